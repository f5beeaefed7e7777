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

// Once returns a copy of the request that a [Transport] makes at most once, by the rules of
// [retry.DoOnce]: in doubt, it calls verify before it sends again. id is the caller's own
// id of the operation, the same over resends and restarts. The request carries it and
// verify looks it up.
//
// verify sends its own request, with the context that it is given, and returns what the
// answer proves. The response that it returns with retry.Applied is what the caller gets.
// It may use an http.Client with the same Transport: there its request is sent once, with a
// newer nonce. It must close all responses that it does not return.
//
// The error of such a request is always a *retry.Error that says what happened, for example
// retry.ErrOutcomeUnknown. So that an http.Client with a Timeout returns it, the call ends
// before the deadline of the request: by a tenth of the time left, at least 50 ms, at most
// a second or half of that time. A journal that needs longer than that to record the end is
// too late.
//
// Only a 2xx says that the operation happened. Its whole body, up to 4 MiB, must be
// readable, and must be empty or JSON without "errors" and "error" that has content (null
// and [] do not), and its end must be announced by a length or by chunks. Anything else is
// doubt, and verify is called: a page of HTML, an answer that breaks off, a redirect, which
// is never followed, or a 101, whose connection is closed unread. [Response] returns the
// answer that such a request failed with. An API that answers payments in another form
// needs retry.DoOnce with its own Send.
func Once(req *http.Request, id string, verify func(context.Context) (*http.Response, retry.Outcome, error)) *http.Request {
	return OnceWith(req, retry.Operation[*http.Response]{ID: id, Verify: verify})
}

// OnceWith is [Once] with all fields of an operation, such as a fingerprint for the journal
// or other times. Its Send is the request. The Transport's NoReplay applies too. If
// Idempotent is zero and ID is the request's idempotency key by the catalog's
// classify.Shape, Idempotent is how long the API keeps keys.
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

// margin is how long before the deadline of a request the call ends. After its Timeout, an
// http.Client returns its own error, which wraps nothing and hides that the operation may
// have happened.
func margin(left time.Duration) time.Duration {
	return min(max(left/10, 50*time.Millisecond), left/2, time.Second)
}

// early ends the exchange a little before the deadline of the request. The returned
// function must be called at the end.
func (x *exchange) early() context.CancelFunc {
	deadline, ok := x.Deadline()
	if !ok {
		return func() {}
	}
	ctx, cancel := context.WithDeadline(x.Context, deadline.Add(-margin(time.Until(deadline))))
	x.Context = ctx
	return cancel
}

var errNoResponse error = safeError("retryhttp: verify returned Applied without a response")

// verified reads the response of a lookup into memory, because its context ends with the
// lookup. The result of verify stands even if that fails.
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
