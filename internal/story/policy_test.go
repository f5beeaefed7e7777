package story_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/retry"
)

// behaviour is what must happen to a call that meets a fault.
type behaviour struct {
	class   classify.Class
	effect  classify.Effect
	lockout bool

	once   int   // sends if the fault strikes once and the bank then behaves
	heals  bool  // and such a call ends well
	always int   // sends if the fault stays
	reason error // why the call ends, if it does not end well
	spare  int   // how many more failures the breaker takes before it opens; 0: it is open. See limit
	later  error // what a later call gets, without a request, though the bank behaves again; nil: it reaches the bank
}

// The breaker of these tests opens at five failures in a row and has seen one
// before the call. So a sign of life leaves five to go, a call that means nothing
// to it leaves four, and four failed sends leave none.
const limit = 5

var (
	waits = behaviour{class: classify.Retryable, effect: classify.Unknown,
		once: 2, heals: true, always: 4, reason: retry.ErrAttempts, spare: 0, later: retry.ErrOpen}
	suspended = behaviour{class: classify.Retryable, effect: classify.NotApplied,
		once: 1, always: 1, reason: retry.ErrAttempts, spare: 0, later: retry.ErrOpen}
	resyncs = behaviour{class: classify.Resync, effect: classify.NotApplied,
		once: 2, heals: true, always: 3, reason: retry.ErrResync, spare: limit}
	asksForFix = behaviour{class: classify.FixAndResend, effect: classify.NotApplied,
		once: 1, always: 1, reason: retry.ErrFixAndResend, spare: limit}
	stops = behaviour{class: classify.Fatal, effect: classify.NotApplied,
		once: 1, always: 1, reason: retry.ErrFatal, spare: limit}
	locksOut = behaviour{class: classify.Fatal, effect: classify.NotApplied, lockout: true,
		once: 1, always: 1, reason: retry.ErrFatal, spare: limit, later: retry.ErrLockedOut}
	meansNothing = behaviour{class: classify.Unclassified, effect: classify.Unknown,
		once: 1, always: 1, reason: retry.ErrUnclassified, spare: limit - 1}
)

// inDoubt is the same behaviour where the request may have taken effect.
func (b behaviour) inDoubt() behaviour {
	b.effect = classify.Unknown
	return b
}

type (
	fault  = nexpaytest.Fault
	detail = classify.Detail
)

var table = []struct {
	fault fault
	must  behaviour
	code  classify.Code // that decides; 0: the fault's own, if it has one
	name  string        // where the fault does not speak for itself
}{
	{fault: fault{Code: "-32603"}, must: waits},
	{fault: fault{Code: "50"}, must: resyncs},

	{fault: fault{Code: "10"}, must: stops},
	{fault: fault{Code: "20"}, must: stops},
	{fault: fault{Code: "30"}, must: stops},
	{fault: fault{Code: "60"}, must: stops},
	{fault: fault{Code: "70"}, must: stops},
	{fault: fault{Code: "80"}, must: stops},

	{fault: fault{Code: "40"}, must: locksOut},
	{fault: fault{Code: "90"}, must: locksOut},
	{fault: fault{Code: "100"}, must: locksOut},
	{fault: fault{Code: "110"}, must: locksOut},
	{fault: fault{Code: "120"}, must: locksOut},
	{fault: fault{Code: "121"}, must: locksOut},

	{fault: fault{Code: "-32600"}, must: asksForFix},
	{fault: fault{Code: "-32601"}, must: asksForFix},
	{fault: fault{Code: "-32602"}, must: asksForFix},
	{fault: fault{Code: "-32700"}, must: asksForFix},
	{fault: fault{Code: "200"}, must: asksForFix},
	{fault: fault{Code: "200", Status: 403}, must: asksForFix},
	{fault: fault{Code: "20000"}, must: asksForFix},
	{fault: fault{Code: "20010"}, must: asksForFix},
	{fault: fault{Code: "20120"}, must: asksForFix},
	{fault: fault{Code: "20001", Status: 403}, must: asksForFix, name: "another 2xxxx"}, // 403: so that it is not the status that asks for it
	{fault: fault{Code: "29999", Status: 403}, must: asksForFix, name: "the last 2xxxx"},
	{fault: fault{Code: "30000"}, must: asksForFix},
	{fault: fault{Code: "30010"}, must: asksForFix},
	{fault: fault{Code: "30240"}, must: asksForFix},
	{fault: fault{Code: "34567", Status: 403}, must: asksForFix, name: "another 3xxxx"},
	{fault: fault{Code: "39999", Status: 403}, must: asksForFix, name: "the last 3xxxx"},

	{fault: fault{Code: "130"}, must: suspended},
	{fault: fault{Code: "140"}, must: suspended},
	{fault: fault{Code: "140", Status: 503}, must: suspended.inDoubt()},

	{fault: fault{Code: "4711", Status: 403}, must: stops.inDoubt(), name: "a code nobody knows"},
	{fault: fault{Code: "4711", Status: 400}, must: asksForFix.inDoubt(), name: "a code nobody knows"},
	{fault: fault{Code: "4711", Status: 500}, must: waits, name: "a code nobody knows"},
	{fault: fault{Code: "19999", Status: 403}, must: stops.inDoubt(), name: "just below 2xxxx"},
	{fault: fault{Code: "40000", Status: 403}, must: stops.inDoubt(), name: "just above 3xxxx"},

	// The code says what would help, the status may still cast doubt on what happened.
	{fault: fault{Code: "50", Status: 500}, must: resyncs.inDoubt()},
	{fault: fault{Code: "30010", Status: 502}, must: asksForFix.inDoubt()},
	{fault: fault{Code: "100", Status: 503}, must: locksOut.inDoubt()},

	{fault: fault{Status: 301}, must: stops.inDoubt()},
	{fault: fault{Status: 302}, must: stops.inDoubt()},
	{fault: fault{Status: 304}, must: stops.inDoubt()},
	{fault: fault{Status: 307}, must: stops.inDoubt()},
	{fault: fault{Status: 308}, must: stops.inDoubt()},
	{fault: fault{Status: 400}, must: asksForFix},
	{fault: fault{Status: 401}, must: stops},
	{fault: fault{Status: 403}, must: stops},
	{fault: fault{Status: 404}, must: stops},
	{fault: fault{Status: 405}, must: stops},
	{fault: fault{Status: 408}, must: waits},
	{fault: fault{Status: 409}, must: stops.inDoubt()},
	{fault: fault{Status: 451}, must: stops},
	{fault: fault{Status: 499}, must: stops.inDoubt()},
	{fault: fault{Code: "4711", Status: 499}, must: stops.inDoubt(), name: "a code nobody knows"},
	{fault: fault{Status: 422}, must: asksForFix},
	{fault: fault{Status: 425}, must: waits},
	{fault: fault{Status: 429}, must: waits},
	{fault: fault{Status: 500}, must: waits},
	{fault: fault{Status: 501}, must: stops.inDoubt()},
	{fault: fault{Status: 502}, must: waits},
	{fault: fault{Status: 503}, must: waits},
	{fault: fault{Status: 504}, must: waits},
	{fault: fault{Status: 505}, must: stops.inDoubt()},
	{fault: fault{Status: 600}, must: meansNothing},
	{fault: fault{HTML: true}, must: waits, name: "a gateway's page"},
	{fault: fault{HTML: true, Status: 403}, must: stops, name: "a firewall's page"},
	{fault: fault{HTML: true, Status: 200}, must: stops.inDoubt(), name: "a portal's page"},

	{fault: fault{Code: "4711", Status: 200}, must: waits, name: "200 with an unknown error"},
	{fault: fault{Code: "-32603", Status: 200}, must: waits, name: "200 with an error"},
	{fault: fault{Code: "30010", Status: 200}, must: asksForFix.inDoubt(), name: "200 with an error"},
	{fault: fault{Body: []byte(`{"errors":[{"message":"?"}]}`)}, must: waits, name: "200 with an error without code"},
	{fault: fault{Body: []byte(`status=ACTIVE`)}, must: stops.inDoubt(), name: "200 that is not JSON"},
	{fault: fault{Body: []byte(`{"status":"ACT`)}, must: waits, name: "200 with half of the JSON"},
	{fault: fault{Body: []byte{}}, must: stops.inDoubt(), name: "200 that is empty"},
	{fault: fault{Status: 204}, must: stops.inDoubt(), name: "204 where an answer is due"},
	{fault: fault{Truncate: 1}, must: waits, name: "200 that breaks off"},
	{fault: fault{Status: 502, Truncate: 20}, must: waits, name: "502 that breaks off"},
	{fault: fault{Status: 403, Truncate: 20}, must: stops.inDoubt(), name: "403 that breaks off"},
	{fault: fault{Code: "50", Truncate: 1}, must: resyncs.inDoubt(), name: "code 50 that breaks off"},
	{fault: fault{Reset: true}, must: waits, name: "connection reset"},

	// Several errors in one answer: the strictest wins.
	{fault: fault{Code: "50", Errors: []detail{{Code: "10"}}}, code: "10", must: stops, name: "50 and 10"},
	{fault: fault{Code: "30010", Errors: []detail{{Code: "100"}}}, code: "100", must: locksOut, name: "30010 and 100"},
	{fault: fault{Code: "70", Errors: []detail{{Code: "121"}}}, code: "121", must: locksOut, name: "70 and 121"},
	{fault: fault{Code: "50", Errors: []detail{{Code: "30010"}}, Status: 403}, code: "30010", must: asksForFix, name: "50 and 30010"},
	{fault: fault{Code: "-32603", Errors: []detail{{Code: "50"}}}, code: "50", must: resyncs.inDoubt(), name: "-32603 and 50"},
	{fault: fault{Code: "-32603", Errors: []detail{{Code: "30000"}}, Status: 400}, code: "30000", must: asksForFix.inDoubt(), name: "-32603 and 30000"},
	{fault: fault{Code: "50", Errors: []detail{{Code: "4711"}}}, code: "4711", must: stops.inDoubt(), name: "50 and an unknown one at 403"},
}

// describe names a row in test output.
func describe(f fault, name string) string {
	switch {
	case f.Code != "":
		name += fmt.Sprintf(" code %s", f.Code)
	case f.Status != 0:
		name += fmt.Sprintf(" HTTP %d", f.Status)
	}
	if f.Code != "" && f.Status != 0 {
		name += fmt.Sprintf(" at HTTP %d", f.Status)
	}
	return strings.TrimSpace(name)
}

func TestEveryCodeGetsWhatItAsksFor(t *testing.T) {
	t.Parallel()
	for _, row := range table {
		code := row.code
		if code == "" {
			code = row.fault.Code
		}
		t.Run(describe(row.fault, row.name), func(t *testing.T) {
			t.Parallel()
			t.Run("once", func(t *testing.T) {
				w := open(t, setup{})
				w.bank.Script(row.fault)
				w.meets(row.must, code, w.call(w.never(row.must)))
			})
			t.Run("always", func(t *testing.T) {
				w := open(t, setup{})
				end := w.bank.AddRule(nexpaytest.Rule{Fault: row.fault})
				w.staysWith(row.must, code, w.call(w.never(row.must)), end)
			})
			if row.must.class == classify.FixAndResend {
				t.Run("fixed", func(t *testing.T) { fixed(t, row.fault) })
			}
		})
	}
}

// The table above speaks of every code that the catalog knows, and inside of
// every range.
func TestTheTableIsComplete(t *testing.T) {
	t.Parallel()
	told := map[string]bool{}
	for _, row := range table {
		if rule, ok := classify.Nexpay().Lookup(row.fault.Code); ok && row.code == "" {
			told[rule.Name] = true
		}
	}
	for _, rule := range classify.Nexpay().Rules() {
		require.True(t, told[rule.Name], "no row for %s, %s", rule.Codes, rule.Name)
	}
}

// fixed: what a Fix makes of the fault. It has one try at a code in a call.
func fixed(t *testing.T, f fault) {
	fixes := 0
	fix := func(changed bool) retry.Option {
		return retry.Fix(func(_ context.Context, e *classify.Error) (bool, error) {
			fixes++
			require.NotEmpty(t, e.Status)
			return changed, nil
		})
	}
	w := open(t, setup{})
	w.bank.Script(f)
	require.NoError(t, w.call(fix(true)))
	w.sent(2)
	require.Equal(t, 1, fixes)

	w = open(t, setup{})
	end := w.bank.AddRule(nexpaytest.Rule{Fault: f})
	require.ErrorIs(t, w.call(fix(true)), retry.ErrFixAndResend)
	w.sent(2)
	require.Equal(t, 2, fixes, "the same code again is for the caller")

	require.ErrorIs(t, w.call(fix(false)), retry.ErrFixAndResend)
	w.sent(1)
	require.Equal(t, 3, fixes)
	require.Equal(t, limit, w.spare())
	end()
}

// never is a Fix that must not be asked. A call that could be fixed goes without.
func (w *world) never(must behaviour) retry.Option {
	if must.class == classify.FixAndResend {
		return retry.Option{}
	}
	return retry.Fix(func(context.Context, *classify.Error) (bool, error) {
		w.t.Error("there is nothing to fix")
		return true, nil
	})
}
