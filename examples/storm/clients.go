package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// patience is how long a client waits for one answer, with any policy.
const patience = 2 * time.Second

// A fleet is many clients of a few servers. All have the same policy.
type fleet struct {
	scenario scenario
	servers  []*server
	tally    *tally
	began    time.Time
	running  sync.WaitGroup
	workers  workers
}

// Errors of a client: an answer that is a failure, or no answer in time.
var (
	errUnavailable = &classify.Error{Status: 503}
	errNoAnswer    = errTimeout{}
)

type errTimeout struct{}

func (errTimeout) Error() string   { return "no answer in time" }
func (errTimeout) Timeout() bool   { return true }
func (errTimeout) Temporary() bool { return true }

func (f *fleet) now() time.Duration { return time.Since(f.began) }

// client makes the calls of one client. It does not wait for a call to end before it
// makes the next, because users call independently of each other.
func (f *fleet) client(dice *rand.Rand, policy caller) {
	c := f.scenario
	next := f.began.Add(time.Duration(dice.Int64N(int64(c.every))))
	if c.together {
		next = f.began.Add(c.every)
	}
	for n := 0; ; n++ {
		time.Sleep(time.Until(next))
		if f.now() >= c.length {
			return
		}
		endpoint := n % len(f.servers)
		f.running.Add(1)
		f.workers.do(func() { f.call(policy, endpoint); f.running.Done() })
		// Up to a quarter early or late, and on average one call in every c.every.
		next = next.Add(c.every*3/4 + time.Duration(dice.Int64N(int64(c.every/2))))
		if c.together {
			return
		}
	}
}

// call makes one call and counts its result.
func (f *fleet) call(policy caller, endpoint int) {
	made := f.now()
	sends := 0
	err := policy(context.Background(), endpoint, func(ctx context.Context) error {
		sends++
		return f.send(ctx, endpoint)
	})
	f.tally.call(made, f.now(), endpoint, sends, err)
}

// send is one request.
func (f *fleet) send(ctx context.Context, endpoint int) error {
	now := f.now()
	f.tally.send(now)
	takes, failed := f.servers[endpoint].answer(now)
	if takes > patience {
		time.Sleep(patience)
		return errNoAnswer
	}
	time.Sleep(takes)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case failed:
		return errUnavailable
	}
	return nil
}

// refused reports whether a failed call sent nothing because its breaker was open.
func refused(err error, sends int) bool { return sends == 0 && !errors.Is(err, errNoAnswer) }
