package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// recoverMany has retry.RecoverEach finish what a crash left open in a boltjournal,
// none of which has happened, and prints how far it has come and what it takes.
func recoverMany(o options, out io.Writer) error {
	j, _, end, err := bolt(o.recover)
	if err != nil {
		return err
	}
	defer end()
	r, err := retry.New(retry.Config{Journal: j, Key: "main"})
	if err != nil {
		return err
	}
	before := inUse()
	ctx, stop := context.WithCancel(context.Background())
	var most int64
	var watching sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil {
			most = max(most, inUse()-before)
			time.Sleep(100 * time.Millisecond)
		}
	})
	began, finished, failed := time.Now(), 0, 0
	err = retry.RecoverEach(ctx, r, j, func(retry.Entry) (retry.Operation[string], bool) {
		return retry.Operation[string]{
			Settle: o.settle,
			Send:   func(context.Context) (string, error) { return "sent", nil },
			Verify: func(context.Context) (string, retry.Outcome, error) { return "", retry.Absent, nil },
		}, true
	}, func(one retry.Recovered[string]) {
		if finished++; one.Err != nil {
			failed++
		}
		if finished%max(o.recover/10, 1) == 0 {
			fmt.Fprintf(out, "%7.1f s: %d finished\n", time.Since(began).Seconds(), finished)
		}
	})
	stop()
	watching.Wait()
	fmt.Fprintf(out, "%d operations in %.1f s, %d failed, at most %d MB of heap and stacks\n", finished, time.Since(began).Seconds(), failed, most>>20)
	return err
}

// inUse returns the bytes of the heap and of stacks that are in use.
func inUse() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapInuse + m.StackInuse)
}
