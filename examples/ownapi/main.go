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
	"fmt"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := tell(ctx, os.Stdout, scenes); err != nil {
		fmt.Fprintln(os.Stderr, "ownapi:", err)
		os.Exit(1)
	}
}
