package retryhttp

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

// Once returns a copy of the request that a [Transport] makes at most once, by the
// rules of [retry.DoOnce]: after doubt, verify is asked before it is sent again.
// id is the caller's own, the same over resends and restarts, and one that the
// request carries and verify looks up.
//
// verify sends a request of its own, with the context it is given, and says what
// the answer proves; the response it returns with retry.Applied is what the caller
// gets. It may use an http.Client with the same Transport: there it is sent once,
// with a newer nonce. It must close the responses that it does not return.
//
// An error of such a request is always a *retry.Error that tells the truth about
// the operation: retry.ErrOutcomeUnknown, if nobody knows whether it happened. So that
// an http.Client with a Timeout passes it on, it comes a tenth of the time before the
// deadline of the request, at least 50 ms, at most a second or half of the time; a
// journal that takes longer than that to hear of it comes too late. Only
// a 2xx says that it did, and only if all of its body can be read, as JSON without
// "errors" and "error" or empty, up to 4 MiB, and says something (null and [] do not),
// and its end was announced, by a length or by chunks: anything else, a page of HTML or an answer that
// breaks off, is doubt, and verify is asked. So is a redirect, which is never
// followed, and a 101, whose connection is closed unread. The answer that such a request failed with is in the error, see [Response].
// An API that answers payments in another form needs a Send of its own,
// for retry.DoOnce.
func Once(req *http.Request, id string, verify func(context.Context) (*http.Response, retry.Outcome, error)) *http.Request {
	return OnceWith(req, retry.Operation[*http.Response]{ID: id, Verify: verify})
}

// OnceWith is Once with all that an operation has: a fingerprint for the journal,
// other times. Where Idempotent is zero, and id is the request's idempotency key by the
// catalog's classify.Shape, it is for how long the API keeps that. Its Send is the request, and NoReplay is that of the Transport too.
func OnceWith(req *http.Request, op retry.Operation[*http.Response]) *http.Request {
	return req.WithContext(context.WithValue(req.Context(), operationKey{}, op))
}

type operationKey struct{}

func operation(ctx context.Context) (retry.Operation[*http.Response], bool) {
	op, ok := ctx.Value(operationKey{}).(retry.Operation[*http.Response])
	return op, ok
}

// perform makes the request happen at most once.
func (x *exchange) perform(op retry.Operation[*http.Response]) (*http.Response, error) {
	x.payment = true
	op.NoReplay = op.NoReplay || x.t.NoReplay
	if op.Idempotent == 0 && x.key == op.ID {
		op.Idempotent = x.keeps
	}
	op.Send = x.attempt
	if verify := op.Verify; verify != nil {
		op.Verify = func(ctx context.Context) (*http.Response, retry.Outcome, error) { return verified(verify(ctx)) }
	}
	defer x.early()()
	resp, err := retry.DoOnce(x, x.t.Retrier, op, x.named(retry.Endpoint(x.t.endpoint(x.req)))...)
	x.discard() // the answer that began the doubt, if there was any
	return resp, err
}

// A margin is what is left of the time of a request when the truth about it has to
// be out: an http.Client whose Timeout is over has an error of its own for it, which
// wraps nothing, and hides that the operation may have happened.
func margin(left time.Duration) time.Duration {
	return min(max(left/10, 50*time.Millisecond), left/2, time.Second)
}

// early ends the exchange a little before the deadline of the request. The function
// it returns is to be called at the end.
func (x *exchange) early() context.CancelFunc {
	deadline, ok := x.Deadline()
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithDeadline(x.Context, deadline.Add(-margin(time.Until(deadline))))
	x.Context = ctx
	return cancel
}

var errNoResponse error = safeError("retryhttp: verify says that it happened, and returns no response")

// verified reads the response of a lookup into memory: its context ends with the
// lookup. What verify says of the operation stands, whatever becomes of that.
func verified(resp *http.Response, found retry.Outcome, err error) (*http.Response, retry.Outcome, error) {
	switch {
	case resp != nil && (found != retry.Applied || err != nil):
		if resp.Body != nil {
			_ = resp.Body.Close()
		}
		return nil, found, err
	case found != retry.Applied || err != nil:
		return nil, found, err
	case resp == nil:
		return nil, found, errNoResponse
	case resp.Body == nil:
		resp.Body = http.NoBody
		return resp, found, nil
	}
	unswitched(resp)
	seen, end := beginning(resp.Body, mostJSON)
	_ = resp.Body.Close()
	if orEOF(end) != io.EOF || end == nil {
		return nil, found, errors.Join(errLookup, &hidden{orEOF(end)})
	}
	resp.Body = io.NopCloser(bytes.NewReader(seen))
	return resp, found, nil
}

var errLookup error = safeError("retryhttp: the response of the lookup cannot be read, or is longer than 4 MiB")
