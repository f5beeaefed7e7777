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
	together = 10 * time.Minute // that two processes use one key
	late     = 2 * time.Second  // by which the clock of the second one is behind
)

// A process uses a key that another one uses as well, and has one caller.
type process struct {
	name   string
	behind time.Duration
	caller caller

	calls, failed int
	refused       int           // the first call with a code 50; 0: none
	told          int           // the first call that ended with ErrResync for a *nonce.ForeignError; 0: none
	text          string        // of that error
	ahead         time.Duration // of its own clock, its highest nonce at most
	jumps         uint64
}

// twoProcesses lets two of them call at the same time.
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
	if _, ok := errors.AsType[*nonce.ForeignError](err); ok && errors.Is(err, retry.ErrResync) && p.told == 0 {
		p.told, p.text = p.calls, err.Error()
	}
}

// send sends the nonce that the ticket would have on a clock that is behind. All
// goroutines share the virtual clock; but a lane has its nonces from the clock
// and from nowhere else, so that one that reads two seconds less gives out
// exactly those of one that does not, less two seconds.
func (p *process) send(ticket *nonce.Ticket) error {
	clock := uint64(time.Now().UnixMicro())
	p.ahead = max(p.ahead, time.Duration(ticket.Nonce()-min(clock, ticket.Nonce()))*time.Microsecond)
	err := p.caller.send(ticket.Key(), ticket.Nonce()-uint64(p.behind.Microseconds()))
	if err != nil && p.refused == 0 {
		p.refused = p.calls
	}
	return err
}
