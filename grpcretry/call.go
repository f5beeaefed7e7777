package grpcretry

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/carry"
	"github.com/nexpay-go/resilience/retry"
)

// An interceptor is a Config with its defaults filled in.
type interceptor struct {
	retrier    *retry.Retrier
	idempotent func(method string) bool
	endpoint   func(target, method string) string
}

// unary is a grpc.UnaryClientInterceptor.
func (i *interceptor) unary(
	ctx context.Context, method string, req, reply any, cc *grpc.ClientConn, invoker grpc.UnaryInvoker, opts ...grpc.CallOption,
) error {
	c := &call{Context: ctx, i: i, method: method, req: req, reply: reply, cc: cc, invoker: invoker, given: opts, keeps: keeps(opts)}
	_, err := retry.DoValue(c, i.retrier, c.attempt, c.options()...)
	return ended(err)
}

// A call is one call of a method with the state of its attempts. It belongs to one
// goroutine.
type call struct {
	context.Context // of the caller
	i               *interceptor
	method          string
	req, reply      any
	cc              *grpc.ClientConn
	invoker         grpc.UnaryInvoker
	given           []grpc.CallOption
	keeps           time.Duration   // how long the API keeps its key, 0 if it has none
	opts            [3]retry.Option // here to save an allocation
	first           send
	sent            bool
}

// options returns the options for package retry.
func (c *call) options() []retry.Option {
	target := ""
	if c.cc != nil {
		target = c.cc.Target()
	}
	opts := append(c.opts[:0], retry.Named(c.method), retry.Endpoint(c.i.endpoint(target, c.method)))
	if carry.Nested(c.Context) || c.i.idempotent(c.method) {
		return opts
	}
	return append(opts, retry.ResendWithin(c.keeps, retry.ResendOnProof))
}

// Value returns the advice for a call that ends in doubt.
func (c *call) Value(key any) any {
	if key == (carry.DoubtKey{}) {
		return c.helps()
	}
	return c.Context.Value(key)
}

func (c *call) helps() string {
	switch {
	case c.keeps > 0:
		return fmt.Sprintf("look it up, or call again with the same key, which the API keeps for %v", c.keeps)
	case !innermost(c.invoker):
		return "an interceptor after grpcretry's may have sent it too, so no error is a proof: pass grpcretry.DialOptions last; " +
			"retry.DoOnce around the call finds out what happened"
	}
	return "if the method may be repeated, say so (grpcretry.Config.Idempotent); if the request has a key, grpcretry.IdempotentFor; " +
		"else retry.DoOnce around the call finds out what happened"
}

// CountsConnections says that each send does, see carry.Counting.
func (c *call) CountsConnections() {}

// attempt sends the call once.
func (c *call) attempt(ctx context.Context) (struct{}, error) {
	s := &c.first
	if c.sent {
		s = new(send) // a late result of an earlier send must not be taken for this one's
	}
	c.sent = true
	s.counter, _ = ctx.Value(carry.SentKey{}).(carry.Counter)
	s.last = innermost(c.invoker)
	err := c.invoker(ctx, c.method, c.req, c.reply, c.cc, s.options(c.given)...)
	if s.calls.Load() > 1 {
		c.i.retrier.Warn(context.WithoutCancel(c.Context), c.method,
			"an interceptor below has sent the call several times by itself: its sends and those of the policies multiply")
	}
	if err == nil {
		s.went()
		return struct{}{}, nil
	}
	if status.Code(err) == codes.DeadlineExceeded {
		outlast(ctx)
	}
	return struct{}{}, c.failed(s, err)
}

// outlast waits for the end of a context that is due within a moment. The server has a
// copy of the deadline, and if its timer fires first, the call would otherwise end for the
// server's answer and not for the caller's deadline.
func outlast(ctx context.Context) {
	deadline, ok := ctx.Deadline()
	if !ok || time.Until(deadline) > 50*time.Millisecond {
		return
	}
	<-ctx.Done()
}

// catalog is the Retrier's, or nil.
func (c *call) catalog() *classify.Catalog { return c.i.retrier.Catalog() }
