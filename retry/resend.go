package retry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/internal/proof"
	"github.com/nexpay-go/resilience/internal/wire"
)

// ErrDoubt is the Reason of a call with [Resend] on proof whose last send may have taken
// effect, and which was therefore not sent again.
var ErrDoubt error = &reason{text: "it may have taken effect, so it is not sent again"}

// A Resends says after which failures a call may be sent again.
type Resends uint8

const (
	// ResendAlways: whenever the policy says so. This is the default, for calls that are
	// safe to repeat.
	ResendAlways Resends = iota
	// ResendOnProof: only if the failed send is proved to have changed nothing. By the
	// rules of [DoOnce], proofs are a refusal by the API itself (a 4xx other than 408, 409,
	// 425 and 429, with a code whose rule says NotApplied) and a connection that was never
	// made. In addition, a 421 without a code (the request came to the wrong connection)
	// and an HTTP/2 server's statement that it did not process the request are proofs. Any
	// other failure ends the call with [ErrDoubt]. A refused nonce (code 50) is no proof:
	// something below may have sent the request twice and returned the second answer.
	ResendOnProof
	// ResendOnProofNoReplay is ResendOnProof with your assurance that nothing below repeats
	// requests. A refused nonce is then a proof, and is resynced.
	ResendOnProofNoReplay
	// ResendNever: the call is sent once, whatever its error.
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

// MarshalText returns the text of String, for JSON and logs. It cannot be parsed back.
func (r Resends) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Resend limits the retries of a call of [Do] that is not safe to repeat and cannot be
// looked up. It is mainly for adapters. For calls that move money use [DoOnce], which can
// look up what happened and so may resend after doubt. An unknown value means ResendNever.
//
// DoOnce ignores this option. On a call inside an attempt of the same Retrier it is
// [ErrNested], and nothing is sent: set it on the outer call, which controls the retries.
func Resend(when Resends) Option { return Option{kind: optResend, bound: bound{when, 0}} }

// A bound is the value of [Resend] and [ResendWithin].
type bound struct {
	when  Resends
	keeps time.Duration // how long the API keeps its key, 0 if it has none
}

// guard returns the guard of a call with this bound.
func (b bound) guard() guard {
	switch r := b.when; r {
	case ResendAlways:
		return nil
	case ResendOnProof, ResendOnProofNoReplay:
		noReplay := r == ResendOnProofNoReplay
		if b.keeps > 0 {
			return &keyed{onProof: onProof{noReplay: noReplay}, keeps: b.keeps}
		}
		return &onProof{noReplay: noReplay}
	}
	return &sentOnce{because: "limited to one send", never: true}
}

// A sentOnce is the guard of a call that is sent once.
type sentOnce struct {
	because string
	never   bool // by whomever, as Resend says
}

func (g *sentOnce) before(ctx context.Context, _ *call) (context.Context, *Error) {
	if why, ok := ctx.Value(carry.OnceKey{}).(string); ok {
		g.because = why
	}
	return ctx, nil
}

func (*sentOnce) after(context.Context, *call, error) {}
func (*sentOnce) annotate(*Event) bool                { return true }

func (g *sentOnce) complete(e *Error) { e.unsafe = g.never && e.Attempts > 0 }

func (g *sentOnce) refuses(*call, *classify.Verdict) *Error {
	return stopped(ErrAttempts, nil).because(g.because)
}

// An onProof is the guard of a call that is sent again only if the last send is proved to
// have changed nothing.
type onProof struct {
	noReplay  bool
	wires     wires
	proved    bool // that it changed nothing
	doubt     bool // some send may have, whatever the table says
	earlier   bool // one before the last may have
	claimable bool // the last would be proved if the rule of its code said NotApplied
}

// wires observe whether a connection was made for the last send of a call.
type wires struct {
	last  *proof.Wire
	first proof.Wire
}

// traced returns the context for the next send.
func (w *wires) traced(ctx context.Context, c *call) context.Context {
	w.last = &w.first
	if c.count.sends > 0 { // whose hooks may come late
		w.last = new(proof.Wire)
	}
	return w.last.Traced(ctx)
}

func (g *onProof) before(ctx context.Context, c *call) (context.Context, *Error) {
	return g.wires.traced(ctx, c), nil
}

func (g *onProof) after(_ context.Context, c *call, came error) {
	v := &c.history.last().Verdict
	g.proved = c.tables.proof(g.noReplay, g.wires.last).Holds(came, c.err, v) || misdirected(v) || unprocessed(c.err)
	g.earlier, g.doubt = g.doubt, g.doubt || !g.proved
	// Without a status, a transport may have made the code, as gRPC does UNAVAILABLE.
	g.claimable = v.Code != "" && v.Status != 0 && v.Effect == classify.Unknown && c.decides(v)
	if g.claimable {
		claimed := *v
		claimed.Effect = classify.NotApplied
		g.claimable = c.tables.proof(g.noReplay, g.wires.last).Holds(came, c.err, &claimed)
	}
}

// misdirected reports whether the server said that the request came to the wrong
// connection, so that it did nothing (RFC 9110, section 15.5.20). A status without a code
// is no proof for a payment, so DoOnce does not accept it.
func misdirected(v *classify.Verdict) bool {
	return v.Status == http.StatusMisdirectedRequest && v.Code == "" && v.Effect == classify.NotApplied
}

// unprocessed reports whether the server said in HTTP/2 that it did not process the
// request. DoOnce does not accept that either: an intermediary may have sent another copy.
func unprocessed(err error) bool {
	_, ok := errors.AsType[*wire.Unprocessed](err)
	return ok
}

func (g *onProof) refuses(*call, *classify.Verdict) *Error {
	if g.proved {
		return nil
	}
	return stopped(ErrDoubt, nil)
}

func (g *onProof) annotate(e *Event) bool {
	if g.doubt {
		e.Effect = classify.Unknown
	}
	return true
}

func (g *onProof) complete(e *Error) {
	if g.doubt {
		e.Effect, e.unsafe = classify.Unknown, true
	}
	if g.earlier && !e.Verdict.Lockout { // to do what the last answer asks for may be to do it twice
		e.Advice = ""
	}
}

// claims returns the advice on a call whose doubt is due only to the rule of its code, ""
// for any other.
func (g *onProof) claims(e *Error) string {
	if e.Reason != ErrDoubt || g.earlier || !g.claimable {
		return ""
	}
	return "if the API's documentation says that code " + e.Verdict.Code.Text() + " changes nothing, say so in its rule (effect: not-applied)"
}

// helpless reports whether a person needs advice in doubt that no rule gives: how to make
// the request retryable, or that the last answer is about its own send only.
func (g *onProof) helpless(e *Error) bool {
	again := e.Reason == ErrDoubt || e.Verdict.Class == classify.Retryable
	return g.doubt && e.Advice == "" && (again || g.earlier)
}
