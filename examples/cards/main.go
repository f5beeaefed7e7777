// Cards shows charges with an idempotency key against a card API that fails in every
// way that matters: a decline, a lost answer, a first request that is still in
// progress, a 500 after the charge, and a key that the API has forgotten. It starts
// the API on loopback; the library knows about it only what is in cards.yaml.
//
//	go run ./examples/cards
//
// It exits with 1 if anything differs from the expected story.
package main

import (
	"context"
	"io"

	"github.com/nexpay-go/resilience/examples/internal/story"
)

func main() {
	story.Main("cards", func(ctx context.Context, out io.Writer) error { return play(ctx, out, scenes) })
}
