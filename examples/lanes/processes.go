package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

const (
	together = 10 * time.Minute // for how long two processes use one key
	late     = 2 * time.Second  // how far the clock of the second process is behind
)

// A process has one caller, on a key that another process uses too.
type process struct {
	name   string
	behind time.Duration
	caller caller

	calls, failed int
	refused       int           // number of the first call with a code 50; 0: none
	resync        int           // number of the first call that ended with ErrResync and a *nonce.ForeignError; 0: none
	text          string        // the text of that error
	ahead         time.Duration // how far its highest nonce was ahead of its own clock
	jumps         uint64
}

// twoProcesses lets two processes make calls at the same time.
func twoProcesses(t *testing.T, seed uint64) []*process {
	all := []*process{{name: "its clock right"}, {name: fmt.Sprintf("its clock %v behind", late), behind: late}}
	synctest.Test(t, func(*testing.T) {
		n, end := newNetwork(), time.Now().Add(together)
		var wg sync.WaitGroup
		for i, p := range all {
			p.caller = caller{network: n, random: newRandom(seed, i)}
			wg.Go(func() {
				time.Sleep(time.Duration(i) * time.Millisecond)
				p.work(end)
			})
		}
		wg.Wait()
	})
	return all
}

// work makes calls until the end.
func (p *process) work(end time.Time) {
	lane := newLane(nonce.LaneConfig{}, "key")
	r, err := retry.New(retry.Config{Nonces: lane})
	if err != nil {
		panic(err)
	}
	for time.Now().Before(end) {
		p.calls++
		p.call(r)
		p.jumps = lane.Stats().Jumps
	}
}

func (p *process) call(r *retry.Retrier) {
	err := retry.Do(context.Background(), r, func(ctx context.Context) error {
		ticket, _ := nonce.FromContext(ctx)
		return p.send(ticket)
	}, retry.Named("balance"))
	if err != nil {
		p.failed++
	}
	if _, ok := errors.AsType[*nonce.ForeignError](err); ok && errors.Is(err, retry.ErrResync) && p.resync == 0 {
		p.resync, p.text = p.calls, err.Error()
	}
}

// send sends the nonce that the ticket would have if the clock were behind. All
// goroutines share the virtual clock. But a lane takes its nonces from the clock only,
// so a clock that is two seconds behind gives the same nonces less two seconds.
func (p *process) send(ticket *nonce.Ticket) error {
	clock := uint64(time.Now().UnixMicro())
	p.ahead = max(p.ahead, time.Duration(ticket.Nonce()-min(clock, ticket.Nonce()))*time.Microsecond)
	err := p.caller.send(ticket.Key(), ticket.Nonce()-uint64(p.behind.Microseconds()))
	if err != nil && p.refused == 0 {
		p.refused = p.calls
	}
	return err
}
