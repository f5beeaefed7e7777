// Ownapi shows how to use the library with an API of your own: one file, papaya.yaml,
// and an http.Client. It starts a made-up API on loopback, whose codes are words in
// its own JSON, makes it fail, and prints the results of the calls.
//
//	go run ./examples/ownapi
//
// It exits with 1 if anything differs from the expected story.
package main

import (
	"context"
	"io"

	"github.com/nexpay-go/resilience/examples/internal/story"
)

func main() {
	story.Main("ownapi", func(ctx context.Context, out io.Writer) error { return play(ctx, out, scenes) })
}
