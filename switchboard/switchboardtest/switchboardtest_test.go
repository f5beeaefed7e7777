package switchboardtest_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/switchboard"
	"github.com/nexpay-go/resilience/switchboard/switchboardtest"
)

func TestMemoryStoreKeepsTheRules(t *testing.T) {
	switchboardtest.Run(t, func() switchboard.Store { return new(switchboard.MemoryStore) })
}

// recorder is a test that may fail.
type recorder struct {
	testing.TB
	mu   sync.Mutex
	said string
}

func (*recorder) Helper() {}

func (r *recorder) Errorf(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said += fmt.Sprintf(format, args...) + "\n"
}

func (r *recorder) Fatalf(format string, args ...any) {
	r.Errorf(format, args...)
	runtime.Goexit()
}

func (r *recorder) Failed() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.said != ""
}

// faulty is a store in memory that changes what it is told.
type faulty struct {
	switchboard.MemoryStore
	change func(*switchboard.Entry, *time.Duration)
}

func (f *faulty) Put(ctx context.Context, e switchboard.Entry, sent time.Duration) error {
	f.change(&e, &sent)
	return f.MemoryStore.Put(ctx, e, sent)
}

func TestBites(t *testing.T) {
	for name, change := range map[string]func(*switchboard.Entry, *time.Duration){
		"nothing is late":     func(_ *switchboard.Entry, sent *time.Duration) { *sent = 0 },
		"all is late":         func(_ *switchboard.Entry, sent *time.Duration) { *sent += time.Hour },
		"one kind":            func(e *switchboard.Entry, _ *time.Duration) { e.Kind = switchboard.Key },
		"no unlock":           func(e *switchboard.Entry, _ *time.Duration) { e.On = true },
		"no advice":           func(e *switchboard.Entry, _ *time.Duration) { e.Cause.Advice = "" },
		"locked once for all": func(e *switchboard.Entry, _ *time.Duration) { e.Name = "main" },
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				switchboardtest.Run(r, func() switchboard.Store { return &faulty{change: change} })
			}()
			<-done
			require.NotEmpty(t, r.said)
		})
	}
}
