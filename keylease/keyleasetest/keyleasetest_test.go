package keyleasetest_test

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/keylease"
	"github.com/nexpay-go/resilience/keylease/keyleasetest"
)

func TestMemoryStoreKeepsTheRules(t *testing.T) {
	keyleasetest.Run(t, func() keylease.Store { return new(keylease.MemoryStore) })
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

// faulty is a store in memory that changes what it is asked, or what it answers.
type faulty struct {
	keylease.MemoryStore
	ask    func(*keylease.Round)
	answer func(*keylease.Standing)
}

func (f *faulty) Round(ctx context.Context, r keylease.Round) (keylease.Standing, error) {
	if f.ask != nil {
		f.ask(&r)
	}
	s, err := f.MemoryStore.Round(ctx, r)
	if f.answer != nil {
		f.answer(&s)
	}
	return s, err
}

func TestBites(t *testing.T) {
	all := func(records []keylease.Record, change func(*keylease.Record)) []keylease.Record {
		var changed []keylease.Record
		for _, r := range records {
			change(&r)
			changed = append(changed, r)
		}
		return changed
	}
	for name, f := range map[string]func() *faulty{
		"takes all": func() *faulty {
			return &faulty{ask: func(r *keylease.Round) { r.Most = 0; r.Keys = append([]string{"none"}, r.Keys...) }}
		},
		"ignores Most":       func() *faulty { return &faulty{ask: func(r *keylease.Round) { r.Most = 0 }} },
		"never renews":       func() *faulty { return &faulty{ask: func(r *keylease.Round) { r.Renew = nil }} },
		"never takes back":   func() *faulty { return &faulty{ask: func(r *keylease.Round) { r.Return = nil }} },
		"forgets who leaves": func() *faulty { return &faulty{ask: func(r *keylease.Round) { r.Leaving = false }} },
		"renews for ever":    func() *faulty { return &faulty{ask: func(r *keylease.Round) { r.TTL *= 1000 }} },
		"all are one owner":  func() *faulty { return &faulty{ask: func(r *keylease.Round) { r.Owner = "one" }} },
		"loses the nonce": func() *faulty {
			return &faulty{answer: func(s *keylease.Standing) { s.Records = all(s.Records, func(r *keylease.Record) { r.High = 0 }) }}
		},
		"does not count epochs": func() *faulty {
			return &faulty{answer: func(s *keylease.Standing) { s.Records = all(s.Records, func(r *keylease.Record) { r.Epoch = 1 }) }}
		},
		"counts nobody": func() *faulty { return &faulty{answer: func(s *keylease.Standing) { s.Alive = 1 }} },
		"returns a nonce too low": func() *faulty {
			return &faulty{ask: func(r *keylease.Round) { r.Return = all(r.Return, func(r *keylease.Record) { r.High /= 2 }) }}
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := &recorder{TB: t}
			done := make(chan struct{})
			go func() {
				defer close(done)
				keyleasetest.Run(r, func() keylease.Store { return f() })
			}()
			<-done
			require.NotEmpty(t, r.said)
		})
	}
}
