// Quickstart shows what the library does, in a few seconds and without a network: it
// starts a bank on loopback, makes it fail in every way that matters, and prints the
// results of the calls.
//
//	go run ./examples/quickstart
//
// If NEXPAY_URL, NEXPAY_API_KEY and NEXPAY_SECRET are set, it makes one real call
// instead: it requests the status of the account, which changes nothing.
//
// It exits with 1 if anything differs from the expected story.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Stdout, os.Getenv); err != nil {
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, getenv func(string) string) error {
	account, err := accountFrom(getenv)
	switch {
	case err != nil:
		return err
	case account != nil:
		return callAccount(ctx, out, *account)
	}
	return tell(ctx, out)
}
