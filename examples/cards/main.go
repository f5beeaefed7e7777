// Cards shows charges with an idempotency key against a card API that fails in every
// way that matters: a decline, an answer lost on the wire, a request that is still under
// way, an outage, and a key that the API may have forgotten. It starts the API on
// loopback, and all that the library knows of it is cards.yaml.
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
	if err := tell(ctx, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "cards:", err)
		os.Exit(1)
	}
}
