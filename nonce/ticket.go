package nonce

import (
	"context"
	"sync/atomic"
	"time"
)

// A Ticket permits one request, with the nonce it carries. It is valid until
// [Ticket.Leave]. Call Leave once the answer is in: until then all callers behind it
// wait. All methods are safe for concurrent use.
type Ticket struct {
	key   string
	nonce uint64
	first *Ticket // of this turn; nil: this one. Only its fields below are used
	turn  turn    // nil: nobody waits for it
	left  atomic.Bool

	// The rest belongs to a lane, which guards it.
	refused uint8         // nonces of the turn that were refused, up to 3
	jumped  bool          // ahead of the clock, because of a foreign writer
	began   time.Duration // on epoch
	newest  uint64        // nonce of the turn
	settled uint64        // its refusal is recorded, or it was never handed out
}

// A turn is what the tickets of one turn share.
type turn interface {
	// renew returns a nonce above all of the turn's, or ErrLeft if the turn of first is over.
	renew(ctx context.Context, first *Ticket, refused bool) (uint64, error)
	// leave ends the turn; it is called once.
	leave(first *Ticket)
}

// NewTicket returns the first ticket of a turn, for your own [Source].
//
// renew returns a ticket of the same key with a nonce above all of the turn's earlier
// ones. Resync calls it with refused true, because the API refused the newest nonce; Next
// calls it with refused false. Only key and nonce of the returned ticket are used: the
// turn keeps the functions it began with. renew may be called from several goroutines at
// once. If it is nil, Resync and Next return ErrNoResync.
//
// leave ends the turn. It is called at most once, however many tickets the turn has and
// however often they are left. It may be nil.
func NewTicket(key string, nonce uint64, renew func(ctx context.Context, refused bool) (*Ticket, error), leave func()) *Ticket {
	c := &custom{newer: renew, end: leave}
	c.highest.Store(nonce)
	return &Ticket{key: key, nonce: nonce, turn: c}
}

// Key returns the name of the API key to sign with.
func (t *Ticket) Key() string { return t.key }

// Nonce returns the number that the request carries.
func (t *Ticket) Nonce() uint64 { return t.nonce }

// Leave ends the turn, and the next waiter's turn begins. Only the first call on any
// ticket of the turn has an effect.
func (t *Ticket) Leave() {
	first := t.origin()
	if !first.left.Swap(true) && first.turn != nil {
		first.turn.leave(first)
	}
}

// Resync returns a ticket for the same turn with a newer nonce, because the API refused
// that of t (code 50). Do not send with t any more. No other caller gets the turn in
// between. If several requests are in flight, Resync may wait briefly for its place among
// them, or for the end of a turn that was refused twice. Leaving any ticket of a turn
// leaves the turn, and calling Resync on any of them replaces the turn's newest nonce.
//
// Resync returns ErrLeft if the turn is over, an *ExhaustedError if there is no higher
// nonce, a *ForeignError if another sender uses the key and the lane will not go farther
// ahead, ErrNoResync if the source does not support it, and an error that wraps ctx.Err()
// if ctx has ended. After an error the turn still has to be left. Resync may then be
// called again; it counts the refusal once.
func (t *Ticket) Resync(ctx context.Context) (*Ticket, error) { return t.renew(ctx, true) }

// Next is Resync for a nonce that was not refused: it returns a ticket for another
// request of the same turn, once the answer to t is in.
func (t *Ticket) Next(ctx context.Context) (*Ticket, error) { return t.renew(ctx, false) }

func (t *Ticket) renew(ctx context.Context, refused bool) (*Ticket, error) {
	first := t.origin()
	switch {
	case first.left.Load():
		return nil, ErrLeft
	case ctx.Err() != nil:
		return nil, ended(ctx, t.key)
	case first.turn == nil:
		return nil, ErrNoResync
	}
	nonce, err := first.turn.renew(ctx, first, refused)
	if err != nil {
		return nil, err
	}
	return &Ticket{key: t.key, nonce: nonce, first: first}, nil
}

func (t *Ticket) origin() *Ticket {
	if t.first != nil {
		return t.first
	}
	return t
}

// recheck leaves the turn if its key is locked, or if locked panics.
func (t *Ticket) recheck(locked func(key string) error) error {
	free := false
	defer func() {
		if !free {
			t.Leave()
		}
	}()
	err := check(locked, t.key)
	free = err == nil
	return err
}

func check(locked func(key string) error, key string) error {
	if locked == nil {
		return nil
	}
	if err := locked(key); err != nil {
		return &lockedError{key, err}
	}
	return nil
}

// custom is a turn of a source made with NewTicket.
type custom struct {
	newer   func(ctx context.Context, refused bool) (*Ticket, error)
	end     func()
	highest atomic.Uint64 // nonce of the turn
}

// renew checks what the source returns: a nonce that was not above all earlier ones is
// never sent.
func (c *custom) renew(ctx context.Context, first *Ticket, refused bool) (uint64, error) {
	if c.newer == nil {
		return 0, ErrNoResync
	}
	before := c.highest.Load()
	newer, err := c.newer(ctx, refused)
	switch {
	case err != nil:
		return 0, err
	case first.left.Load(): // while the source was busy
		return 0, ErrLeft
	case newer == nil:
		return 0, mistake("nonce: the source's renew returned no ticket")
	case newer.key != first.key:
		return 0, mistake("nonce: the source's renew returned a ticket of another key")
	case newer.nonce <= before:
		return 0, mistake("nonce: the source's renew returned a nonce that is not higher")
	}
	for h := before; h < newer.nonce && !c.highest.CompareAndSwap(h, newer.nonce); h = c.highest.Load() {
	}
	return newer.nonce, nil
}

func (c *custom) leave(*Ticket) {
	if c.end != nil {
		c.end()
	}
}
