package nonce

import (
	"context"
	"io"
	"slices"
	"time"
)

// SetClock has l read now instead of time.Now. Virtual time never steps back; this one may.
func SetClock(l *Lane, now func() time.Time) { l.now = now }

// Load is what the pool goes by: turns and waiters.
func Load(l *Lane) int { return int(l.load.Load()) }

// EnterAllTheSame is Enter by a caller who was sent away.
func EnterAllTheSame(ctx context.Context, l *Lane) (*Ticket, error) { return l.wait(ctx, Stand(l).w) }

// Standing is a place in the queue, with nobody there as yet.
type Standing struct {
	l *Lane
	w *waiter
}

// Stand queues.
func Stand(l *Lane) Standing {
	l.shift(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.waiting.push(nil)
	l.serve()
	return Standing{l, w}
}

// GiveUp is what a caller does whose context ends.
func (s Standing) GiveUp() { s.l.giveUp(s.w) }

// Leave is what a caller does once the turn that has come is over.
func (s Standing) Leave() {
	<-s.w.ready
	s.l.leave(&Ticket{began: s.w.began})
}

// TooLate is what Enter asks before it waits.
func TooLate(ctx context.Context, l *Lane) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.tooLate(ctx)
}

// Crash lets go of l's high-water file as the end of the process would: nothing is written.
func Crash(l *Lane) { _ = l.marks.lock.Close() }

// Agrees reports whether the pool's tree knows how busy each lane is.
func Agrees(p *Pool) bool {
	p.tree.mu.Lock()
	defer p.tree.mu.Unlock()
	for i, l := range p.lanes {
		if p.tree.rounds[0][i] != l.busyness() {
			return false
		}
	}
	for k := 1; k < len(p.tree.rounds); k++ {
		for i, least := range p.tree.rounds[k] {
			if least != slices.Min(p.tree.members(k-1, i)) {
				return false
			}
		}
	}
	return len(p.tree.rounds[len(p.tree.rounds)-1]) == 1
}

// Lanes is what the pool was made of.
func Lanes(p *Pool) []*Lane { return p.lanes }

// Pools is how many pools l reports to.
func Pools(l *Lane) (n int) {
	for p := l.places.Load(); p != nil; p = p.next {
		n++
	}
	return n
}

// NewLaneOn is NewLane on a disk that is somebody else's.
func NewLaneOn(c LaneConfig, lock func(string) (io.Closer, error), read func(string) ([]byte, error), write func(name, text string) error) (*Lane, error) {
	return newLane(c, disk{lock, read, write})
}
