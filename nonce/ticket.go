package nonce

import (
	"context"
	"sync/atomic"
	"time"
)

// A Ticket is the right to send one request, with the nonce it carries. It is good until [Ticket.Leave]; leave when the
// answer is in, or everybody behind waits for ever. All methods are safe for concurrent use.
type Ticket struct {
	key   string
	nonce uint64
	first *Ticket // the one this turn began with; nil: this one. The fields below count there only
	turn  turn    // nil: nobody waits for it
	left  atomic.Bool

	// The rest is a lane's own, which guards it.
	refused uint8         // nonces of the turn, up to 3
	jumped  bool          // ahead of the clock, for a foreign writer
	began   time.Duration // on epoch
	newest  uint64        // nonce of the turn
	settled uint64        // it tells nothing more: its refusal is booked, or it was never handed out
}

// A turn is what the tickets of one turn stand for.
type turn interface {
	// renew returns a nonce above all the turn had, or ErrLeft if the turn that began with first is over.
	renew(ctx context.Context, first *Ticket, refused bool) (uint64, error)
	// leave ends the turn; it is called once.
	leave(first *Ticket)
}

// NewTicket returns the first ticket of a turn, for a [Source] of your own.
//
// renew returns a ticket of the same key with a nonce above all that the turn had: for Resync, where refused is true, as
// the API refused the newest nonce, and for Next, where nothing was refused. Only key and nonce are taken from it: the
// turn keeps the functions it began with. It may be called from several goroutines at once. If nil, both return
// ErrNoResync.
//
// leave ends the turn. It is called at most once, however many tickets Resync made of the turn and however often they
// are left. It may be nil.
func NewTicket(key string, nonce uint64, renew func(ctx context.Context, refused bool) (*Ticket, error), leave func()) *Ticket {
	c := &custom{again: renew, end: leave}
	c.highest.Store(nonce)
	return &Ticket{key: key, nonce: nonce, turn: c}
}

// Key returns the name of the API key to sign with.
func (t *Ticket) Key() string { return t.key }

// Nonce returns the number that the request carries.
func (t *Ticket) Nonce() uint64 { return t.nonce }

// Leave ends the turn, and the next waiter's begins. Only the first call on any ticket of the turn does anything.
func (t *Ticket) Leave() {
	first := t.origin()
	if !first.left.Swap(true) && first.turn != nil {
		first.turn.leave(first)
	}
}

// Resync returns a ticket for the same turn with a newer nonce because the API refused that of t (code 50), and spends t:
// do not send with t any more. Nobody gets in between; where several are in flight, it may wait a moment for its place
// among them, or until a turn is over that was refused twice. Leaving either ticket leaves the turn. Any ticket of a turn stands for its newest nonce.
//
// It returns ErrLeft if the turn is over, an *ExhaustedError if there is no higher nonce, a *ForeignError if somebody
// else uses the key and the lane will not go farther ahead, ErrNoResync if the source cannot do it, and an error that
// wraps ctx.Err() if ctx is over. After an error the turn is still to be left. Resync may be called again, and counts the
// refusal once.
func (t *Ticket) Resync(ctx context.Context) (*Ticket, error) { return t.renew(ctx, true) }

// Next is Resync where nothing was refused: for another request of the same turn, once the answer to t is in.
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

// recheck leaves the turn unless its key is free of locks. A panic in locked does not keep the turn either.
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

// custom is a turn of somebody else's source.
type custom struct {
	again   func(ctx context.Context, refused bool) (*Ticket, error)
	end     func()
	highest atomic.Uint64 // nonce of the turn
}

// renew holds the source to its word: a nonce that was there before it was asked is never sent again.
func (c *custom) renew(ctx context.Context, first *Ticket, refused bool) (uint64, error) {
	if c.again == nil {
		return 0, ErrNoResync
	}
	before := c.highest.Load()
	newer, err := c.again(ctx, refused)
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
