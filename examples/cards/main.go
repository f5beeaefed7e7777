// Cards shows charges with an idempotency key against a card API that fails in every
// way that matters: a decline, an answer lost on the wire, a first request that is still
// under way, a 500 after the charge, and a key that the API has forgotten meanwhile. It
// starts the API on loopback; all that the library knows of it is cards.yaml.
//
//	go run ./examples/cards
//
// It exits with 1 if anything differs from the story it tells.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := tell(ctx, os.Stdout, scenes); err != nil {
		fmt.Fprintln(os.Stderr, "cards:", err)
		os.Exit(1)
	}
}
