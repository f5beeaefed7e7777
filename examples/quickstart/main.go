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
	"io"
	"os"

	"github.com/nexpay-go/resilience/examples/internal/story"
)

func main() {
	story.Main("quickstart", func(ctx context.Context, out io.Writer) error { return run(ctx, out, os.Getenv) })
}

func run(ctx context.Context, out io.Writer, getenv func(string) string) error {
	account, err := accountFrom(getenv)
	switch {
	case err != nil:
		return err
	case account != nil:
		return callAccount(ctx, out, *account)
	}
	return play(ctx, out)
}
