package retry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

const planted = "S3CR3T"

type secretAddr struct{}

func (secretAddr) Network() string { return planted }
func (secretAddr) String() string  { return planted }

type secretSource struct{}

func (secretSource) Enter(context.Context) (*nonce.Ticket, error) { return nil, errors.New(planted) }

type secretJournal struct {
	retry.MemoryJournal
	read, begin, end bool
	p                bool
}

func (j *secretJournal) err() error {
	if j.p {
		panic(errors.New(planted))
	}
	return &url.Error{Op: planted, URL: planted, Err: errors.New(planted)}
}
func (j *secretJournal) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if r := e.Generation == retry.ReadGeneration; r && j.read || !r && j.begin {
		return retry.Entry{}, j.err()
	}
	return j.MemoryJournal.Begin(ctx, e)
}
func (j *secretJournal) End(ctx context.Context, e retry.Entry) error {
	if j.end {
		return j.err()
	}
	return j.MemoryJournal.End(ctx, e)
}

func TestHostileSecrets(t *testing.T) {
	bad := []error{
		errors.New(planted), fmt.Errorf("x %w", &url.Error{Op: "Post", URL: "http://h/?k=" + planted, Err: errors.New(planted)}),
		&url.Error{Op: planted, URL: planted, Err: &net.OpError{Op: planted, Net: planted, Source: secretAddr{}, Addr: secretAddr{}, Err: &os.SyscallError{Syscall: planted, Err: errors.New(planted)}}},
		errors.Join(errors.New(planted), context.DeadlineExceeded), &os.PathError{Op: planted, Path: planted, Err: errors.New(planted)},
		&json.UnmarshalTypeError{Value: planted, Field: planted}, &net.ParseError{Type: planted, Text: planted}, &net.AddrError{Err: planted, Addr: planted},
		net.InvalidAddrError(planted), net.UnknownNetworkError(planted), &net.DNSConfigError{Err: errors.New(planted)}, url.EscapeError(planted), url.InvalidHostError(planted),
		fmt.Errorf(planted+" %w", retry.ErrFatal), fmt.Errorf(planted+"%w", context.Canceled),
	}
	check := func(t *testing.T, what string, v any) {
		var b bytes.Buffer
		slog.New(slog.NewJSONHandler(&b, nil)).Error("x", "v", v)
		slog.New(slog.NewTextHandler(&b, nil)).Error("x", "v", v)
		fmt.Fprintf(&b, "%v %+v %#v %s %q", v, v, v, v, v)
		j, _ := json.Marshal(v)
		b.Write(j)
		if i := strings.Index(b.String(), planted); i >= 0 {
			t.Errorf("%s: %s", what, b.String()[max(0, i-150):min(b.Len(), i+60)])
		}
	}
	for i, e := range bad {
		for _, way := range []string{"send", "verify", "verifyapplied", "sendpanic", "verifypanic", "cause", "nonce", "jread", "jbegin", "jend", "jreadp", "jbeginp", "jendp", "fix"} {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				var events []retry.Event
				j := &secretJournal{}
				cfg := retry.Config{Journal: j, OnEvent: func(_ context.Context, ev retry.Event) { mu.Lock(); events = append(events, ev); mu.Unlock() }}
				ctx := t.Context()
				p := &payment{sends: []error{errTimeout}, looks: []found{absent}}
				var opts []retry.Option
				switch way {
				case "send":
					p.sends = []error{e}
				case "verify":
					p.looks = []found{{retry.Undecided, e}}
				case "verifyapplied":
					p.looks = []found{{retry.Applied, e}}
				case "verifypanic":
					p.onLook = func(context.Context) { panic(e) }
				case "sendpanic":
					p.onSend = func(context.Context) { panic(e) }
				case "cause":
					c, cancel := context.WithCancelCause(ctx)
					ctx = c
					time.AfterFunc(time.Second, func() { cancel(e) })
					p.onSend = func(ctx context.Context) { <-ctx.Done() }
				case "nonce":
					cfg.Nonces = secretSource{}
				case "jread", "jreadp":
					j.read, j.p = true, way == "jreadp"
				case "jbegin", "jbeginp":
					j.begin, j.p = true, way == "jbeginp"
				case "jend", "jendp":
					j.end, j.p = true, way == "jendp"
				case "fix":
					p.sends = []error{code(400, "30010")}
					opts = append(opts, retry.Fix(func(context.Context, *classify.Error) (bool, error) { return false, e }))
				}
				func() {
					defer func() { _ = recover() }()
					_, err := pay(t, ctx, cfg, p, opts...)
					check(t, fmt.Sprint(i, way), err)
					var re *retry.Error
					if errors.As(err, &re) {
						check(t, fmt.Sprint(i, way, " value"), *re)
						check(t, fmt.Sprint(i, way, " history"), re.History)
						if re.Doubt != nil {
							check(t, fmt.Sprint(i, way, " doubt"), re.Doubt)
							check(t, fmt.Sprint(i, way, " doubt v"), *re.Doubt)
							check(t, fmt.Sprint(i, way, " answer"), re.Doubt.Answer)
						}
						check(t, "recovered", retry.Recovered[string]{Err: err})
					}
				}()
				mu.Lock()
				check(t, fmt.Sprint(i, way, " events"), events)
				mu.Unlock()
			})
		}
	}
}

func TestHostileDoubtZero(t *testing.T) {
	check := func(v any) { require.NotPanics(t, func() { _ = fmt.Sprintf("%v %+v", v, v); _, _ = json.Marshal(v) }) }
	check(&retry.Error{})
	check((*retry.Doubt)(nil))
	check(retry.Doubt{})
	check(&retry.Error{Reason: retry.ErrOutcomeUnknown, Doubt: &retry.Doubt{}})
	require.NotPanics(t, func() { _ = (&retry.Error{}).Unwrap() })
}
