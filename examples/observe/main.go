// Observe is a small service that pays invoices at a bank which fails on a schedule. It
// shows everything that can be observed from outside: the debug page, metrics to scrape,
// and a log line for everything that goes wrong.
//
//	go run ./examples/observe
//
// Open http://127.0.0.1:8089 and watch. A day of the bank takes two minutes: see day in
// bank.go.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"time"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:8089", "address of the page, on loopback")
	length := flag.Duration("day", 2*time.Minute, "how long a day of the bank takes")
	days := flag.Int("days", 0, "end after so many days; 0: never")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *listen, *length, *days); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until ctx ends or the days are over.
func run(ctx context.Context, listen string, length time.Duration, days int) error {
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	defer listener.Close()
	logger := slog.New(slog.NewTextHandler(os.Stderr, nil))
	s, err := newService(logger)
	if err != nil {
		return err
	}
	defer s.close()
	fmt.Printf("http://%s has the page and the metrics. Ctrl-C ends it.\n", listener.Addr())
	return s.serve(ctx, listener, length, days)
}
