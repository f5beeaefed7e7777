package nexpaytest_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// Every fault does the same over TCP and in the process.
func TestFaults(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fault    nexpaytest.Fault
		status   int // as the client sees it; 0: no answer
		code     classify.Code
		is       error // what the client's error wraps
		executed int
	}{
		{name: "none", status: 200, executed: 1},
		{name: "code", fault: nexpaytest.Fault{Code: "-32603"}, status: 500, code: "-32603"},
		{name: "code of a key", fault: nexpaytest.Fault{Code: "121"}, status: 403, code: "121"},
		{name: "code of older tables", fault: nexpaytest.Fault{Code: "200"}, status: 400, code: "200"},
		{name: "code with a status", fault: nexpaytest.Fault{Code: "50", Status: 503}, status: 503, code: "50"},
		{name: "code nobody lists", fault: nexpaytest.Fault{Code: "777777"}, status: 400, code: "777777"},
		{name: "errors", fault: nexpaytest.Fault{Errors: []classify.Detail{{Code: "30010"}, {Code: "40"}}}, status: 400, code: "30010"},
		{name: "status", fault: nexpaytest.Fault{Status: 503}, status: 503},
		{name: "status out of the ordinary", fault: nexpaytest.Fault{Status: 799}, status: 799},
		{name: "redirect", fault: nexpaytest.Fault{Status: 302}, status: 302},
		{name: "HTML", fault: nexpaytest.Fault{HTML: true}, status: 502},
		{name: "HTML 504", fault: nexpaytest.Fault{HTML: true, Status: 504}, status: 504},
		{name: "errors in a 200", fault: nexpaytest.Fault{Code: "100", Status: 200}, status: 200, code: "100"},
		{name: "executed, 500", fault: nexpaytest.Fault{Code: "-32603", Execute: true}, status: 500, code: "-32603", executed: 1},
		{name: "executed, HTML", fault: nexpaytest.Fault{HTML: true, Execute: true}, status: 502, executed: 1},
		{name: "reset", fault: nexpaytest.Fault{Reset: true}, is: syscall.ECONNRESET},
		{name: "executed, reset", fault: nexpaytest.Fault{Reset: true, Execute: true}, is: syscall.ECONNRESET, executed: 1},
		{name: "truncated", fault: nexpaytest.Fault{Truncate: 3}, is: io.ErrUnexpectedEOF, executed: 1},
		{name: "truncated to nothing", fault: nexpaytest.Fault{Truncate: 9999}, is: io.ErrUnexpectedEOF, executed: 1},
	} {
		for name, connect := range map[string]func(*testing.T) (*nexpaytest.Bank, *caller){"TCP": startedBank, "in process": inProcessBank} {
			t.Run(tt.name+"/"+name, func(t *testing.T) {
				b, c := connect(t)
				b.Script(tt.fault)
				require.Equal(t, 1, b.ScriptLeft())
				err := c.pay(t.Context(), "a")
				require.Zero(t, b.ScriptLeft())
				require.Equal(t, tt.executed, b.Executed("a"))
				got := last(b)
				require.Equal(t, tt.executed == 1, got.Executed)
				require.EqualValues(t, "", got.Refusal, "the bank itself had nothing against it")
				if tt.status == 0 || tt.is != nil {
					require.ErrorIs(t, err, tt.is)
				} else if tt.status == 200 && tt.code == "" {
					require.NoError(t, err)
				} else {
					seen, status := code(err)
					require.Equal(t, tt.status, status, "%v", err)
					require.Equal(t, tt.code, seen)
				}
				if tt.status != 0 {
					require.Equal(t, tt.status, got.Status)
					require.Equal(t, tt.code, got.Code)
				}
				require.NoError(t, c.pay(t.Context(), "b"), "the next one is well again")
				c.n--
				seen, _ := code(c.pay(t.Context(), "c"))
				require.EqualValues(t, "50", seen)
			})
		}
	}
}

func startedBank(t *testing.T) (*nexpaytest.Bank, *caller) {
	b, creds := nexpaytest.NewKeyed()
	return b, overTCP(t, b, creds)
}

func inProcessBank(t *testing.T) (*nexpaytest.Bank, *caller) {
	b, creds := nexpaytest.NewKeyed()
	return b, inProcess(t, b, creds)
}

// A fault's answer does not hide from the log what the bank thinks, and uses up
// the nonce.
func TestFaultsAndChecks(t *testing.T) {
	b, c := inProcessBank(t)
	c.n = 10
	b.Script(nexpaytest.Fault{Status: 503}, nexpaytest.Fault{Status: 503, Execute: true})
	_, status := code(c.pay(t.Context(), "a"))
	require.Equal(t, 503, status)
	c.n = 10
	_, status = code(c.pay(t.Context(), "a"))
	require.Equal(t, 503, status)
	require.EqualValues(t, "50", last(b).Refusal, "a nonce sent twice shows")
	require.Zero(t, b.Executed("a"), "and is not executed")
}

func TestFaultAnswers(t *testing.T) {
	for name, connect := range map[string]func(*testing.T) (*nexpaytest.Bank, *caller){"TCP": startedBank, "in process": inProcessBank} {
		t.Run(name, func(t *testing.T) {
			b, c := connect(t)
			send := func(f nexpaytest.Fault) (*http.Response, string) {
				b.Script(f)
				c.n++
				req, err := c.NewRequest(withNonce(t.Context(), c.n), "GET", statusPath, nil)
				require.NoError(t, err)
				require.NoError(t, c.Signer.Sign(req))
				resp, err := c.HTTP.Do(req)
				require.NoError(t, err)
				defer resp.Body.Close()
				body, err := io.ReadAll(resp.Body)
				require.NoError(t, err)
				require.NotEmpty(t, resp.Header.Get("Date"))
				return resp, string(body)
			}
			resp, body := send(nexpaytest.Fault{Code: "30010", Message: "m", Data: "d", Errors: []classify.Detail{{Code: "200"}}, RetryAfter: "Sun, 06 Nov 1994 08:49:37 GMT"})
			require.JSONEq(t, `{"errors":[{"code":30010,"message":"m","data":"d"},{"code":200,"message":"Mandatory parameter missing"}],"traceId":"`+last(b).TraceID+`"}`, body)
			require.Equal(t, "Sun, 06 Nov 1994 08:49:37 GMT", resp.Header.Get("Retry-After"))
			require.Equal(t, "application/json", resp.Header.Get("Content-Type"))

			resp, body = send(nexpaytest.Fault{RetryAfter: "-1 garbage"})
			require.Equal(t, 200, resp.StatusCode)
			require.Equal(t, "-1 garbage", resp.Header.Get("Retry-After"))
			require.Contains(t, body, "ACTIVE", "the true answer")

			resp, body = send(nexpaytest.Fault{Body: []byte("\x00{")})
			require.Equal(t, 200, resp.StatusCode)
			require.Equal(t, "\x00{", body)

			resp, body = send(nexpaytest.Fault{Body: []byte{}, Status: 500})
			require.Equal(t, 500, resp.StatusCode)
			require.Empty(t, body)

			resp, body = send(nexpaytest.Fault{HTML: true})
			require.Contains(t, body, "<h1>502 Bad Gateway</h1>")
			require.Contains(t, resp.Header.Get("Content-Type"), "text/html")

			for _, status := range []int{204, 304} {
				resp, body = send(nexpaytest.Fault{Code: "10", Status: status})
				require.Equal(t, status, resp.StatusCode)
				require.Empty(t, body)
			}
		})
	}
}

func TestDelaysAreVirtual(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := inProcessBank(t)
		start := time.Now()
		b.Script(nexpaytest.Fault{DelayBefore: time.Hour, DelayAfter: time.Minute})
		require.NoError(t, c.pay(t.Context(), "a"))
		require.Equal(t, time.Hour+time.Minute, time.Since(start))
		require.Equal(t, start, last(b).At)
		require.Equal(t, start.Add(time.Hour), b.Payments()[0].Created, "between the delays")
	})
}

// What has been sent is executed, whether or not the client waits for it.
func TestClientGivesUp(t *testing.T) {
	for _, tt := range []struct {
		name     string
		fault    nexpaytest.Fault
		executed int // at last
	}{
		{"before", nexpaytest.Fault{DelayBefore: time.Minute}, 1},
		{"before, in vain", nexpaytest.Fault{DelayBefore: time.Minute, Status: 503}, 0},
		{"after", nexpaytest.Fault{DelayAfter: time.Minute}, 1},
		{"hang", nexpaytest.Fault{Hang: true}, 0},
		{"executed, hang", nexpaytest.Fault{Hang: true, Execute: true}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, c := inProcessBank(t)
				b.Script(tt.fault)
				cause := errors.New("enough")
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, cause)
				defer cancel()
				start := time.Now()
				require.ErrorIs(t, c.pay(ctx, "a"), context.DeadlineExceeded)
				require.Equal(t, time.Second, time.Since(start))
				if tt.fault.DelayBefore > 0 {
					require.Zero(t, b.Executed("a"))
				}
				time.Sleep(time.Hour)
				require.Equal(t, tt.executed, b.Executed("a"))
				require.Zero(t, last(b).Status, "no answer was given")
			})
		})
	}
}

// A request that is held up on its way is overtaken, and refused for it.
func TestLateRequestIsOvertaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := inProcessBank(t)
		b.Script(nexpaytest.Fault{DelayBefore: time.Second})
		slow := make(chan error)
		other := *c
		go func() { slow <- other.pay(t.Context(), "slow") }()
		synctest.Wait()
		c.n++
		require.NoError(t, c.pay(t.Context(), "fast"))
		got, _ := code(<-slow)
		require.EqualValues(t, "50", got)
		require.Zero(t, b.Executed("slow"))
	})
}

func TestCloseEndsWhatWaits(t *testing.T) {
	for name, f := range map[string]nexpaytest.Fault{
		"hang": {Hang: true}, "before": {DelayBefore: time.Hour}, "after": {DelayAfter: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b, c := inProcessBank(t)
				b.Script(f)
				time.AfterFunc(time.Second, b.Close)
				start := time.Now()
				require.ErrorIs(t, c.pay(t.Context(), "a"), syscall.ECONNRESET)
				require.Equal(t, time.Second, time.Since(start))
				done := b.Executed("a")
				time.Sleep(2 * time.Hour)
				require.Equal(t, done, b.Executed("a"), "a closed bank executes nothing")
				require.ErrorIs(t, c.pay(t.Context(), "b"), syscall.ECONNRESET)
				require.Len(t, b.Requests(), 1)
				b.Close()
			})
		})
	}
}

// Over TCP a client that hangs up ends the hang, or Close does.
func TestHangOverTCP(t *testing.T) {
	b, c := startedBank(t)
	arrived := make(chan struct{})
	b.AddRule(nexpaytest.Rule{
		Match: func(nexpaytest.Request) bool { arrived <- struct{}{}; return true },
		Fault: nexpaytest.Fault{Hang: true, Execute: true},
	})
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error)
	first := *c
	go func() { gone <- first.pay(ctx, "a") }()
	<-arrived
	cancel()
	require.ErrorIs(t, <-gone, context.Canceled)
	c.n++
	go func() { gone <- c.pay(t.Context(), "b") }()
	<-arrived
	b.Close() // waits for both
	require.Error(t, <-gone)
	require.Equal(t, 1, b.Executed("a"))
	_, err := b.Start()
	require.ErrorIs(t, err, net.ErrClosed)
}

func TestRules(t *testing.T) {
	b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{someKey, {ID: "k2", Secret: "s"}}})
	c := inProcess(t, b, someKey.Credentials())
	status := func(c *caller, path string) int {
		_ = c.call(t.Context(), "GET", path, nil, nil)
		return last(b).Status
	}
	removePath := b.AddRule(nexpaytest.Rule{Path: statusPath, Times: 2, Fault: nexpaytest.Fault{Status: 501}})
	removeKey := b.AddRule(nexpaytest.Rule{Key: "k2", Fault: nexpaytest.Fault{Status: 502}})
	removeMatch := b.AddRule(nexpaytest.Rule{
		Match: func(r nexpaytest.Request) bool { return len(b.Requests()) > 0 && r.Nonce%2 == 0 && r.Method == "GET" },
		Fault: nexpaytest.Fault{Status: 503},
	})
	require.Equal(t, 501, status(c, statusPath), "the first rule wins")
	b.Script(nexpaytest.Fault{})
	require.Equal(t, 200, status(c, statusPath), "a script comes before rules")
	require.Equal(t, 501, status(c, statusPath))
	require.Equal(t, 503, status(c, statusPath), "two times are over, the nonce is even")
	require.Equal(t, 200, status(c, statusPath))
	other := inProcess(t, b, nexpaytest.Key{ID: "k2", Secret: "s"}.Credentials())
	require.Equal(t, 502, status(other, "/nowhere"))
	removeKey()
	removeKey()
	require.Equal(t, 503, status(other, statusPath))
	removeMatch()
	removePath()
	require.Equal(t, 200, status(c, statusPath))
}

// The same seed and the same requests meet the same faults; another rule beside
// it changes nothing.
func TestShareIsSeeded(t *testing.T) {
	run := func(seed uint64, beside bool) string {
		b := bank(t, nexpaytest.Config{Seed: seed})
		c := inProcess(t, b, someKey.Credentials())
		b.AddRule(nexpaytest.Rule{Share: 0.2, Fault: nexpaytest.Fault{Status: 503}})
		if beside {
			b.AddRule(nexpaytest.Rule{Share: 0.5, Fault: nexpaytest.Fault{Status: 200}})
		}
		var seen strings.Builder
		for range 1000 {
			_ = c.call(t.Context(), "GET", statusPath, nil, nil)
			seen.WriteString(map[bool]string{true: "x", false: "."}[last(b).Status == 503])
		}
		return seen.String()
	}
	one := run(1, false)
	require.Equal(t, one, run(1, false))
	require.Equal(t, one, run(1, true))
	require.NotEqual(t, one, run(2, false))
	// 1000 draws at 0.2: 200 on average, standard deviation 12.6; the seed is fixed
	require.InDelta(t, 200, strings.Count(one, "x"), 50)
}

func TestMistakesInTheTestPanic(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	require.PanicsWithError(t, "nexpaytest: fault 2 of the script: nexpaytest: Fault.Status 42 cannot be sent", func() {
		b.Script(nexpaytest.Fault{}, nexpaytest.Fault{Status: 42})
	})
	require.Zero(t, b.ScriptLeft())
	nan := 0.0
	nan /= nan
	for _, r := range []nexpaytest.Rule{
		{Share: 1.1}, {Share: -0.1}, {Share: nan}, {Times: -1}, {Fault: nexpaytest.Fault{Status: 100}}, {Fault: nexpaytest.Fault{Truncate: -1}},
		{Fault: nexpaytest.Fault{VisibleAfter: -1}}, {Fault: nexpaytest.Fault{Header: http.Header{"": {"x"}}}},
		{Fault: nexpaytest.Fault{Header: http.Header{"A b": {"x"}}}}, {Fault: nexpaytest.Fault{Header: http.Header{"A": {"x", "\n"}}}},
	} {
		require.Panics(t, func() { b.AddRule(r) })
	}
	require.Equal(t, 0, len(b.Requests()), "no lock is left behind")
}

// A proxy that sends a request twice and hands on the second answer: 50 for a
// payment that was made.
func TestTwice(t *testing.T) {
	for name, connect := range map[string]func(*testing.T) (*nexpaytest.Bank, *caller){"TCP": startedBank, "in process": inProcessBank} {
		t.Run(name, func(t *testing.T) {
			b, c := connect(t)
			b.Script(nexpaytest.Fault{Twice: true})
			got, status := code(c.pay(t.Context(), "a"))
			require.EqualValues(t, "50", got)
			require.Equal(t, 403, status)
			require.Equal(t, 1, b.Executed("a"))
			log := b.Requests()
			require.Len(t, log, 2)
			require.Equal(t, log[0].Nonce, log[1].Nonce)
			require.Equal(t, []bool{true, false}, []bool{log[0].Executed, log[1].Executed})
			require.Equal(t, []int{0, 403}, []int{log[0].Status, log[1].Status}, "the first answer is lost")

			b.Script(nexpaytest.Fault{Twice: true, HTML: true})
			_, status = code(c.pay(t.Context(), "b"))
			require.Equal(t, 502, status, "the rest of the fault is the second's")
			require.Equal(t, 1, b.Executed("b"))
		})
	}
}

// Both copies are held up, and the client has given up before they arrive.
func TestTwiceAndLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, c := inProcessBank(t)
		b.Script(nexpaytest.Fault{Twice: true, DelayBefore: time.Minute, VisibleAfter: time.Minute})
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, c.pay(ctx, "a"), context.DeadlineExceeded)
		require.Zero(t, b.Executed("a"))
		time.Sleep(2 * time.Minute)
		require.Equal(t, 1, b.Executed("a"))
		require.Len(t, b.Requests(), 2)
		require.Equal(t, time.Minute, b.Payments()[0].Visible.Sub(b.Payments()[0].Created))
	})
}

func TestFaultHeader(t *testing.T) {
	for name, connect := range map[string]func(*testing.T) (*nexpaytest.Bank, *caller){"TCP": startedBank, "in process": inProcessBank} {
		t.Run(name, func(t *testing.T) {
			b, c := connect(t)
			b.Script(nexpaytest.Fault{Header: http.Header{"age": {"7"}, "X-Cache": {"MISS", "HIT"}, "Content-Type": {"text/plain"}}})
			c.n++
			req, err := c.NewRequest(withNonce(t.Context(), c.n), "GET", statusPath, nil)
			require.NoError(t, err)
			require.NoError(t, c.Signer.Sign(req))
			resp, err := c.HTTP.Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			require.Equal(t, "7", resp.Header.Get("Age"))
			require.Equal(t, []string{"MISS", "HIT"}, resp.Header["X-Cache"])
			require.Equal(t, []string{"text/plain"}, resp.Header["Content-Type"])
		})
	}
}
