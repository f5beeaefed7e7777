package nexpaytest

import (
	"context"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"os"
	"syscall"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

// A call is a request as the bank reads it, over HTTP or in the process.
type call struct {
	method, path, query string // path as encoded on the wire
	header              http.Header
	size                int // of the body, in bytes
	form                nexpay.Form
	formErr             error
	lag                 time.Duration // Fault.VisibleAfter
}

// maxBody is the longest body in bytes that the bank reads. It answers 413 to a longer one.
const maxBody = 1 << 20

func newCall(method string, u *url.URL, header http.Header, body io.Reader) (*call, error) {
	raw, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	if err != nil {
		return nil, err
	}
	c := &call{method: method, path: u.EscapedPath(), query: u.RawQuery, header: header, size: len(raw)}
	if c.path == "" {
		c.path = "/"
	}
	if len(raw) <= maxBody && c.isForm() {
		c.form, c.formErr = nexpay.ParseForm(string(raw))
	}
	return c, nil
}

// errReset is the error that a client gets when a connection is reset.
var errReset error = &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}

// serve handles a request from arrival to answer. Its error is errReset, or the cause
// for which ctx ended.
func (b *Bank) serve(ctx context.Context, c *call) (answer, error) {
	line, req := b.arrive(c)
	f := b.fault(req)
	a, err := b.late(ctx, f.DelayBefore, func() answer {
		if f.Twice {
			b.act(line, c, &Fault{VisibleAfter: f.VisibleAfter})
			line, _ = b.arrive(c)
		}
		return b.act(line, c, &f)
	})
	if err != nil {
		return answer{}, err
	}
	if f.Hang {
		return answer{}, b.wait(ctx, nil)
	}
	if f.DelayAfter > 0 {
		timer := time.NewTimer(f.DelayAfter)
		defer timer.Stop()
		if err := b.wait(ctx, timer.C); err != nil {
			return answer{}, err
		}
	}
	if f.Reset {
		return answer{}, errReset
	}
	b.note(line, func(r *Request) { r.Status, r.Code = a.status, a.code })
	return a, nil
}

// wait returns nil when the timer fires, or the reason why it will not.
func (b *Bank) wait(ctx context.Context, timer <-chan time.Time) error {
	select {
	case <-timer:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-b.closed:
		return errReset
	}
}

// late calls act after the delay, even if the client is gone by then: a request that
// was sent is executed. A closed bank does not call act.
func (b *Bank) late(ctx context.Context, delay time.Duration, act func() answer) (answer, error) {
	if delay == 0 {
		return act(), nil
	}
	acted := make(chan answer, 1)
	time.AfterFunc(delay, func() {
		select {
		case <-b.closed:
		default:
			acted <- act()
		}
	})
	select {
	case a := <-acted:
		return a, nil
	case <-ctx.Done():
		return answer{}, context.Cause(ctx)
	case <-b.closed:
		return answer{}, errReset
	}
}

// act checks the request, executes it unless the fault prevents it, and returns the
// answer.
func (b *Bank) act(line int, c *call, f *Fault) answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	c.lag = f.VisibleAfter
	a := b.work(line, c, !f.replaces() || f.Execute)
	entry, own := &b.log[line], a
	if f.answers() {
		a = f.answer(entry.TraceID)
	}
	if entry.Executed {
		b.keep(c, f, own, a)
	}
	f.spoil(&a)
	return a
}

// work handles a request without faults. The caller holds mu, which is unlocked while
// the Answer of a Route runs.
func (b *Bank) work(line int, c *call, execute bool) answer {
	entry := &b.log[line]
	to, ok := b.routes[c.path]
	switch {
	case c.size > maxBody:
		return newAnswer(http.StatusRequestEntityTooLarge, "", nil)
	case !ok:
		return newAnswer(http.StatusNotFound, "text/plain", []byte("not found\n"))
	case c.method != to.method:
		a := newAnswer(http.StatusMethodNotAllowed, "", nil)
		a.header.Set("Allow", to.method)
		return a
	}
	k, r := b.check(c)
	if r.code == "" && !c.isForm() {
		r = refusal{codeRequest, "Content-Type"}
	}
	var body any
	switch {
	case r.code != "" || !execute:
	case to.answer != nil:
		params, err := c.params()
		if err == nil {
			return b.ask(to, k.ID, params, entry.TraceID)
		}
		r = refusal{codeParameter, "query"}
	default:
		if a, ok := b.remembered(entry, c); ok {
			return a
		}
		body, entry.Executed, r = to.serve(b, k, c)
	}
	entry.Refusal = r.code
	switch {
	case r == unknownPayment:
		entry.Refusal = b.config.UnknownPayment.Code
		return b.config.UnknownPayment.answer(entry.TraceID)
	case r.code != "":
		return refused(r, entry.TraceID)
	}
	return jsonAnswer(body)
}

func refused(r refusal, trace string) answer {
	return errorAnswer(0, trace, classify.Detail{Code: r.code, Data: r.data})
}

// isForm reports whether there is no body, or the Content-Type is that of a form.
func (c *call) isForm() bool {
	media, _, err := mime.ParseMediaType(c.header.Get("Content-Type"))
	return c.size == 0 || err == nil && media == "application/x-www-form-urlencoded"
}
