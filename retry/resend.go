package retry

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"sync/atomic"

	"github.com/nexpay-go/resilience/classify"
)

// ErrDoubt, of a call with [Resend] on proof: the last send may have taken effect,
// and so it was not sent again.
var ErrDoubt = errors.New("it may have taken effect, so it is not sent again")

// Resends says after which failures a call may be sent again.
type Resends uint8

const (
	// ResendAlways: whenever the policy says so. That is the usual, for calls that
	// may safely be repeated.
	ResendAlways Resends = iota
	// ResendOnProof: only where the failed send is proved to have changed nothing,
	// by the rules of [DoOnce]: a refusal in the API's own words (a 4xx with a
	// code), or a connection that was never made. Anything else ends the call
	// with [ErrDoubt]. A refused nonce (code 50) is no proof: something below may
	// have sent the request twice, and shown us the second answer.
	ResendOnProof
	// ResendOnProofNoReplay is ResendOnProof where somebody vouches that nothing
	// below repeats requests. A refused nonce is proof then, and is resynced.
	ResendOnProofNoReplay
	// ResendNever: sent once, whatever it fails with.
	ResendNever
)

// String returns "always", "on proof", "on proof, no replay" or "never".
func (r Resends) String() string {
	switch r {
	case ResendAlways:
		return "always"
	case ResendOnProof:
		return "on proof"
	case ResendOnProofNoReplay:
		return "on proof, no replay"
	case ResendNever:
		return "never"
	}
	return fmt.Sprintf("Resends(%d)", uint8(r))
}

// Resend bounds a call of [Do] that is not safe to repeat and that nobody can look
// up. It is for adapters above all; what moves money has [DoOnce], which may be
// repeated after doubt because it asks what happened. An unknown value means
// ResendNever. DoOnce has rules of its own and takes no notice of it.
func Resend(when Resends) Option { return Option{kind: optResend, do: when} }

func resends(opts []Option) Resends {
	if o := find(opts, optResend); o != nil {
		return o.do.(Resends)
	}
	return ResendAlways
}

// traced lets net/http tell of connections that are made during a send: whoever
// then sees none has proof.
func (c *call) traced(ctx context.Context) context.Context {
	connected := new(atomic.Bool) // one for each send: a hook may come late
	c.connected = connected
	return httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { connected.Store(true) }})
}

// mayResend reports whether the call may be sent again after what its last send
// failed with, as far as it is safe.
func (c *call) mayResend(v *classify.Verdict) bool {
	switch c.resends {
	case ResendAlways:
		return true
	case ResendOnProof, ResendOnProofNoReplay:
		p := proof{c.tables, c.resends == ResendOnProofNoReplay, c.connected.Load()}
		return p.proved(c.err, v)
	}
	return false
}

// stopUnsafe is stop for a call that may not be sent again.
func (c *call) stopUnsafe() bool {
	if c.resends != ResendOnProof && c.resends != ResendOnProofNoReplay {
		c.stop(ErrAttempts, nil)
		c.ended.instead = "it is to be sent once"
		return false
	}
	c.doubt = true // the table may say otherwise: it is no proof here
	return c.stop(ErrDoubt, nil)
}
