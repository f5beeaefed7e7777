package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/nexpay-go/resilience/nonce"
)

// lane is a turn that nobody else wants, among n lanes that nobody enters: the zero of
// the other figures.
func lane(int) (func(int), func(), error) {
	l, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		return nil, nil, err
	}
	return turns(l.Enter), nothing, nil
}

func turns(enter func(context.Context) (*nonce.Ticket, error)) func(int) {
	return func(times int) {
		for range times {
			ticket, err := enter(context.Background())
			if err != nil {
				panic(err) // nothing here refuses anybody
			}
			ticket.Leave()
		}
	}
}

// crowd has n wait for a turn that is taken, until the function returned is called.
func crowd(l *nonce.Lane, n int, wait func(context.Context)) (holder *nonce.Ticket, disperse func(), err error) {
	ctx, cancel := context.WithCancel(context.Background())
	if holder, err = l.Enter(ctx); err != nil {
		cancel()
		return nil, nil, err
	}
	var all sync.WaitGroup
	for range n {
		all.Go(func() { wait(ctx) })
	}
	for l.Stats().Waiting < n {
		runtime.Gosched()
	}
	return holder, func() { cancel(); all.Wait() }, nil
}

// leaving is a context that ends between being asked and being waited for.
type leaving struct {
	context.Context // it has ended
	asked           bool
}

func (c *leaving) Err() error {
	if !c.asked {
		c.asked = true
		return nil
	}
	return c.Context.Err()
}

// laneGivesUp is one who comes, queues behind n, and gives up: no goroutine is woken
// for it.
func laneGivesUp(n int) (func(int), func(), error) {
	l, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		return nil, nil, err
	}
	_, disperse, err := crowd(l, n, func(ctx context.Context) {
		if ticket, err := l.Enter(ctx); err == nil {
			ticket.Leave()
		}
	})
	over, cancel := context.WithCancel(context.Background())
	cancel()
	ctx := &leaving{Context: over}
	return func(times int) {
		for range times {
			ctx.asked = false
			if _, err := l.Enter(ctx); !errors.Is(err, context.Canceled) {
				panic(err)
			}
		}
	}, disperse, err
}

// laneTurns has the turn go round among n goroutines, each of which queues again.
func laneTurns(n int) (func(int), func(), error) {
	l, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		return nil, nil, err
	}
	left, rest := 0, make(chan *nonce.Ticket) // left is guarded by the turn
	holder, disperse, err := crowd(l, n, func(ctx context.Context) {
		for {
			ticket, err := l.Enter(ctx)
			if err != nil {
				return
			}
			if left--; left == 0 {
				rest <- ticket
				continue
			}
			ticket.Leave()
		}
	})
	return func(times int) {
		left = times
		holder.Leave()
		holder = <-rest
	}, disperse, err
}

// plainTurns is a ring of goroutines that pass a token, each by the next one's channel.
func plainTurns(n int) (func(int), func(), error) {
	type token struct{ left int }
	ring := make([]chan *token, n)
	for i := range ring {
		ring[i] = make(chan *token, 1)
	}
	var all sync.WaitGroup
	rest := make(chan int)
	for i := range ring {
		all.Go(func() {
			for t := range ring[i] {
				if t.left--; t.left <= 0 {
					rest <- (i + 1) % n
					continue
				}
				ring[(i+1)%n] <- t
			}
		})
	}
	at := 0
	return func(times int) {
			ring[at] <- &token{times}
			at = <-rest
		}, func() {
			for _, c := range ring {
				close(c)
			}
			all.Wait()
		}, nil
}

// pool is one of n keys, of which so many turns are taken. It returns the last.
func pool(n, taken int) (p *nonce.Pool, last *nonce.Ticket, err error) {
	lanes := make([]*nonce.Lane, n)
	for i := range lanes {
		if lanes[i], err = nonce.NewLane(nonce.LaneConfig{Key: fmt.Sprint("key-", i), InFlight: 2}); err != nil {
			return nil, nil, err
		}
	}
	if p, err = nonce.NewPool(lanes...); err != nil {
		return nil, nil, err
	}
	for range taken {
		if last, err = p.Enter(context.Background()); err != nil {
			return nil, nil, err
		}
	}
	return p, last, nil
}

func poolIdle(n int) (func(int), func(), error) {
	p, _, err := pool(n, 0)
	return turns(p.Enter), nothing, err
}

func poolOneFree(n int) (func(int), func(), error) {
	p, _, err := pool(n, n-1)
	return turns(p.Enter), nothing, err
}

func poolFull(n int) (func(int), func(), error) {
	p, _, err := pool(n, n)
	return turns(p.Enter), nothing, err
}

// poolOneLocked has one key locked that is idle, so that every search meets it first.
func poolOneLocked(n int) (func(int), func(), error) {
	p, last, err := pool(n, n)
	if err != nil {
		return nil, nil, err
	}
	last.Leave()
	idle, locked := last.Key(), errors.New("locked")
	return turns(func(ctx context.Context) (*nonce.Ticket, error) {
		return p.EnterUnless(ctx, func(key string) error {
			if key == idle {
				return locked
			}
			return nil
		})
	}), nothing, nil
}
