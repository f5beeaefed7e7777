package retry

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/protocol"
)

// ResendWithin is [Resend] for a call whose request carries an idempotency key that the API
// keeps for that long. Each send must be the same bytes with the same key. Within that time
// the call is sent again whenever the policy says so, also after doubt. After that time
// then applies: [ResendOnProof], or [ResendOnProofNoReplay]; any other value means
// ResendOnProof.
//
// A call in doubt stays in doubt until a send succeeds, because a refusal is about its own
// send only. Fix does not run in doubt, because the request must not change. In doubt, a
// 409 whose code has no rule means that the first send is still in progress, and is
// retryable.
//
// The time counts from the first send. It is shortened by an attempt timeout (or a minute
// if there is none) and 40 s, so that late copies still find the key. Zero or less is
// Resend(then).
func ResendWithin(keeps time.Duration, then Resends) Option {
	if then != ResendOnProofNoReplay {
		then = ResendOnProof
	}
	return Option{kind: optResend, bound: bound{then, max(keeps, 0)}}
}

// A keyed is the guard of a call with an idempotency key.
type keyed struct {
	onProof
	keeps time.Duration
	first time.Time // of the first send; zero: none yet
}

func (g *keyed) before(ctx context.Context, c *call) (context.Context, *Error) {
	switch {
	case g.first.IsZero():
		g.first = time.Now()
	case g.doubt && !g.keptAfter(c, 0): // the turn on the key took too long to come
		return nil, g.over()
	}
	return g.onProof.before(ctx, c)
}

// keptAfter reports whether a send that begins after that wait still finds its key. On a
// machine that was suspended only the wall clock has gone on.
func (g *keyed) keptAfter(c *call, wait time.Duration) bool {
	takes := c.terms.timeout
	if takes == 0 {
		takes = sendTime
	}
	age := protocol.Decide.Age(g.first, time.Now())
	return protocol.Later(protocol.Later(protocol.Later(age, wait), takes), defaultSettle) < g.keeps
}

func (g *keyed) after(ctx context.Context, c *call, came error) {
	last := c.history.last()
	if v := &last.Verdict; g.doubt && v.Status == http.StatusConflict && !c.decides(v) && g.keptAfter(c, 0) {
		v.Class = classify.Retryable
	}
	g.onProof.after(ctx, c, came)
}

func (g *keyed) refuses(c *call, v *classify.Verdict) *Error {
	switch last := c.history.last(); {
	case !g.doubt:
		return nil
	case v.Class == classify.FixAndResend:
		return stopped(ErrDoubt, nil)
	case g.keptAfter(c, last.Wait):
		return nil
	}
	return g.over()
}

// over ends a call in doubt whose next send might find its key expired.
func (g *keyed) over() *Error {
	return stopped(ErrDoubt, nil).because(fmt.Sprintf("it may have taken effect, and its idempotency key may have expired (kept for %v), so it is not sent again", g.keeps))
}

// decides reports whether a rule for the code made the verdict.
func (c *call) decides(v *classify.Verdict) bool {
	if v.Code == "" || c.tables.catalog == nil {
		return v.Code != ""
	}
	_, known := c.tables.catalog.Lookup(v.Code)
	return known
}
