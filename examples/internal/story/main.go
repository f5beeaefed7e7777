// Package story has what the examples share that play a story scene by scene: the
// program around it, and the timeline that it prints.
package story

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
)

// Main plays the story of the program of that name on standard output. Ctrl-C ends its
// context. If play returns an error, the program exits with 1.
func Main(name string, play func(ctx context.Context, out io.Writer) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := play(ctx, os.Stdout); err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
