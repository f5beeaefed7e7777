package resiliencedebug_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

func TestAllWell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		s := see(t, w.page(t), "")
		require.True(t, s.Well)
		require.Empty(t, s.Wrong)
		require.NotNil(t, s.Wrong, "an empty list, not null")
		require.Contains(t, html(t, w.page(t), ""), "<p>All well.</p>")
	})
}

// Each section says what there is to say, in the JSON and on the page.
func TestABadNight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.trouble(t)
		s, page := see(t, w.page(t), ""), html(t, w.page(t), "")
		locked := w.locked()
		require.False(t, s.Well)
		require.Equal(t, []string{
			"3 operations in doubt (nexpay)",
			"key " + locked + " locked since 2000-01-01 00:00:00 by code 100",
			"1 breaker open: nexpay payments",
		}, s.texts())
		require.Equal(t, "1 code of nexpay without a rule", s.Notes[0].Text)

		require.Equal(t, map[string]int{"open": 1, "closed": 3}, s.Breakers.States)
		b := s.Breakers.Breakers[0]
		require.Equal(t, []any{"nexpay payments", "open", "6 failures in a row, the last: HTTP 503 -32603 Internal error (trace 5f2c91)", uint64(25)},
			[]any{b.Name, b.State, b.Reason, b.Refused})
		require.True(t, b.Until.After(time.Now()))
		for _, b := range s.Breakers.Breakers {
			if b.Name == "nexpay status" {
				require.Equal(t, []any{uint64(2), uint64(42), 2}, []any{b.Failures, b.Calls, b.InARow})
			}
		}
		require.Contains(t, page, "2 of 42")

		require.Equal(t, 1, s.Keys.Locked)
		require.Len(t, s.Keys.Keys, 3)
		k := s.Keys.Keys[0]
		require.Equal(t, []any{locked, []string{"nexpay"}, "100", "9e01aa", 1}, []any{k.Key, k.APIs, k.Locked.Code, k.Locked.TraceID, k.Lane.Limit})
		require.Contains(t, page, "<strong>Find out from the vendor why the API key was locked")

		for _, c := range s.Calls {
			if c.API == "nexpay" {
				require.Equal(t, map[string]int64{"success": 120, "attempts": 8, "open": 25, "fatal": 1, "fix_and_resend": 3}, c.Ended)
				require.Equal(t, []any{int64(157), int64(132), int64(0)}, []any{c.Calls, c.Sends, c.Resends})
				require.InDelta(t, 132.0/157, c.SendsPerCall, 1e-9)
				require.Equal(t, []int{100, 100, 10}, []int{c.Budget.Tokens, c.Budget.Capacity, c.Budget.Cost})
			}
		}
		require.Contains(t, page, "fix_and_resend 3")

		require.Equal(t, "QUOTA_EXCEEDED", s.Unknown[0].Codes[0].Code)
		require.Contains(t, page, "- code: &#34;QUOTA_EXCEEDED&#34; # 3 times since 2000-01-01T00:00:00Z, trace 77aa02")
		require.Equal(t, []any{3, 1, true}, []any{s.Journals[0].InDoubt, s.Journals[0].UnderWay, s.Journals[0].Complete})
	})
}

// A payment that only the process remembers is not well, until it is known.
func TestInDoubtWithoutAJournal(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		pay := func(found retry.Outcome) error {
			_, err := retry.DoOnce(t.Context(), w.cards, retry.Operation[int]{
				ID: "inv-7", Send: func(context.Context) (int, error) { return 0, answer(502, "", "") },
				Verify: func(context.Context) (int, retry.Outcome, error) { return 0, found, nil },
			})
			return err
		}
		require.ErrorIs(t, pay(retry.Undecided), retry.ErrOutcomeUnknown)
		const want = "1 operation in doubt (cards), which only this process remembers: look them up before a restart; the log has the IDs"
		s := see(t, w.page(t), "")
		require.False(t, s.Well)
		require.Contains(t, s.texts(), want)
		require.Contains(t, html(t, w.page(t), ""), want)
		require.NoError(t, pay(retry.Applied))
		require.True(t, see(t, w.page(t), "").Well)
	})
}

// waiting is a source of nonces that has no key, and says why.
type waiting struct {
	nonce.Source
	why string
}

func (w waiting) Obstacle() string { return w.why }

// Who has no key to send with is not well, whatever else is.
func TestNoKeyToSendWith(t *testing.T) {
	for why, well := range map[string]bool{"": true, "no key is free:\x00 3 processes share 2": false} {
		r, err := retry.New(retry.Config{Nonces: waiting{why: why}})
		require.NoError(t, err)
		h, err := resiliencedebug.New(resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": r}})
		require.NoError(t, err)
		s := see(t, h, "")
		require.Equal(t, well, s.Well)
		require.Equal(t, !well, slices.Contains(s.texts(), "bank has no key to send with: no key is free: 3 processes share 2"))
	}
}

// A full disk lets the journal be listed, and no payment be made.
func TestJournalThatCannotBeWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := new(full)
		w := withJournals(t, j)
		pay := func(id string) error {
			_, err := retry.DoOnce(t.Context(), w.cfg.Retriers["a"], retry.Operation[int]{
				ID: id, Send: func(context.Context) (int, error) { return 7, nil },
			})
			return err
		}
		for _, which := range []string{"begin", "end"} {
			j.fails = which
			_ = pay(which)
			s := see(t, w.page(t), "")
			require.False(t, s.Well, which)
			require.Equal(t, []string{"the journal of a failed: no space left on device"}, s.texts())
			require.Contains(t, html(t, w.page(t), ""), "The journal failed: no space left on device.")
			time.Sleep(time.Minute)
			j.fails = ""
		}
		require.NoError(t, pay("next"))
		s := see(t, w.page(t), "")
		for _, text := range s.texts() { // what was paid last is still open
			require.NotContains(t, text, "failed")
		}
	})
}

// A full journal is one whose disk is full where it is told.
type full struct {
	retry.MemoryJournal
	fails string
}

func (f *full) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if f.fails == "begin" && e.Generation != retry.ReadGeneration {
		return retry.Entry{}, syscall.ENOSPC
	}
	return f.MemoryJournal.Begin(ctx, e)
}

func (f *full) End(ctx context.Context, e retry.Entry) error {
	if f.fails == "end" {
		return syscall.ENOSPC
	}
	return f.MemoryJournal.End(ctx, e)
}

func TestBudgetThatIsEmpty(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		budget, err := retry.NewBudget(retry.BudgetConfig{Capacity: 10})
		require.NoError(t, err)
		r := retrier(t, retry.Config{Budget: budget})
		w := &world{cfg: resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": r}}}
		fail(t, r, 1, answer(503, "-32603", ""))
		s := see(t, w.page(t), "")
		require.Len(t, s.Wrong, 1)
		require.Regexp(t, `^budget of bank empty, no retries: \d of 10 tokens, a resend costs 10$`, s.Wrong[0].Text)
		require.True(t, s.Calls[0].Budget.Empty)
	})
}

// What several Retriers share is shown once, with all of their names.
func TestSharedParts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := breaker.New(breaker.Config{Name: "bank"})
		require.NoError(t, err)
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
		require.NoError(t, err)
		l, j := new(breaker.Lockout), new(retry.MemoryJournal)
		cfg := retry.Config{Breaker: b, Lockout: l, Nonces: lane, Journal: j}
		w := &world{journal: j, cfg: resiliencedebug.Config{
			Retriers: map[string]*retry.Retrier{"reads": retrier(t, cfg), "payouts": retrier(t, cfg), "other": retrier(t, retry.Config{Key: "main"})},
			Breakers: map[string]*breaker.Breaker{"the same": b},
		}}
		w.cfg.Retriers["other"].Lockout().Lock("main", breaker.LockCause{Code: "x"})
		w.doubt(t, 1, time.Now().Add(-time.Hour))
		s := see(t, w.page(t), "")
		both := []string{"payouts", "reads"}
		require.Len(t, s.Breakers.Breakers, 1)
		require.Equal(t, both, s.Breakers.Breakers[0].APIs)
		require.Len(t, s.Journals, 1)
		require.Equal(t, both, s.Journals[0].APIs)
		require.Len(t, s.Keys.Keys, 2, "the keys of another lockout are others, even if they have the same name")
		require.Equal(t, []string{"other"}, s.Keys.Keys[0].APIs)
		require.Equal(t, both, s.Keys.Keys[1].APIs)
		require.Nil(t, s.Keys.Keys[1].Locked)
		require.Contains(t, html(t, w.page(t), ""), "payouts, reads")
	})
}

// Sources of other makes are asked as far as they can tell.
func TestLanesOfOtherSources(t *testing.T) {
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "leased"})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		source nonce.Source
		want   int
	}{
		"leases":          {leases{lane}, 1},
		"no stats":        {struct{ nonce.Source }{lane}, 0},
		"one that panics": {panics{lane}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := &world{cfg: resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": retrier(t, retry.Config{Nonces: tt.source})}}}
			s := see(t, w.page(t), "")
			if tt.want == 0 {
				require.Nil(t, s.Keys)
				return
			}
			require.Len(t, s.Keys.Keys, tt.want)
			require.Equal(t, "leased", s.Keys.Keys[0].Key)
			require.Equal(t, "somebody else uses 1 key: leased", s.Notes[0].Text)
		})
	}
}

// A breaker that only reports refuses nothing, and so nothing is wrong.
func TestReportOnly(t *testing.T) {
	b, err := breaker.New(breaker.Config{Name: "new", ReportOnly: true, OpenFor: time.Hour, MaxOpenFor: time.Hour})
	require.NoError(t, err)
	w := &world{cfg: resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": retrier(t, retry.Config{Breaker: b, Policies: quick(t)})}}}
	fail(t, w.cfg.Retriers["bank"], 9, answer(503, "", ""))
	s := see(t, w.page(t), "")
	require.True(t, s.Well)
	require.Equal(t, "1 breaker would be open, but is report-only: new", s.Notes[0].Text)
	require.Equal(t, []any{"would be open", uint64(3)}, []any{s.Breakers.Breakers[0].State, s.Breakers.Breakers[0].Refused})
	b.Isolate("now it does")
	require.Equal(t, "1 breaker isolated by a person: new", see(t, w.page(t), "").Wrong[0].Text)
}

type leases struct{ nonce.Source }

func (l leases) Lanes() []nonce.Stats { return []nonce.Stats{{Key: "leased", Limit: 1, Foreign: 2}} }

type panics struct{ nonce.Source }

func (panics) Stats() nonce.Stats { panic("secret") }

// However many there are, what is wrong is shown, and how many there are is told.
func TestBounds(t *testing.T) {
	w := newWorld(t)
	for i := range 600 {
		w.group.Get(fmt.Sprintf("endpoint-%03d", i))
		w.lockout.Lock(fmt.Sprintf("key-%03d", i), breaker.LockCause{Code: "100"})
	}
	for i := range 7 {
		w.group.Get(fmt.Sprintf("endpoint-%03d", 590+i)).Isolate("maintenance")
	}
	s := see(t, w.page(t), "")
	require.Len(t, s.Breakers.Breakers, 500)
	require.Equal(t, 101, s.Breakers.More)
	require.Equal(t, map[string]int{"isolated": 7, "closed": 594}, s.Breakers.States)
	require.Equal(t, "isolated", s.Breakers.Breakers[6].State)
	require.Len(t, s.Keys.Keys, 500)
	require.Equal(t, []int{600, 103}, []int{s.Keys.Locked, s.Keys.More})
	texts := s.texts()
	require.Equal(t, "and 595 more keys locked", texts[5])
	require.Equal(t, "7 breakers isolated by a person: nexpay endpoint-590, nexpay endpoint-591, nexpay endpoint-592, nexpay endpoint-593, nexpay endpoint-594 and 2 more", texts[6])
	page := html(t, w.page(t), "")
	require.Contains(t, page, "493 more, all closed")
	require.Contains(t, page, "101 more are not shown")
}

func TestExplain(t *testing.T) {
	w := newWorld(t)
	h := w.page(t)
	for query, want := range map[string]string{
		"?api=nexpay&code=100":              "100 API key locked",
		"?api=nexpay&code=+100+":            "100 API key locked",
		"?api=nexpay&code=130&status=403":   ", HTTP 403",
		"?api=nexpay&status=503":            "HTTP 503",
		"?api=cards&code=card_declined":     "card_declined Card declined",
		"?code=card_declined":               "card_declined Card declined",
		"?api=cards&code=nobody+knows":      `&#34;nobody knows&#34;: no rule for this code`,
		"?api=gone&code=1":                  "no such API",
		"?api=cards&code=&status=":          "enter a code, an HTTP status, or both",
		"?api=cards&status=99":              "an HTTP status is a number from 100 to 599",
		"?api=cards&status=9e2":             "an HTTP status is a number from 100 to 599",
		"?api=cards&code=%00":               "invalid code",
		"?code=" + strings.Repeat("x", 129): "invalid code",
	} {
		require.Contains(t, html(t, h, query), want, query)
	}
	require.Nil(t, see(t, h, "").Policies.Explained)
	require.Equal(t, "card_declined Card declined", see(t, h, "?api=cards&code=card_declined").Policies.Explained.Lines[0])

	// A reload is seen, and a catalog that is not of the policies.
	set, err := w.bankPolicies.With(policy.Table{Codes: map[classify.Code]policy.Policy{"-32603": {MaxAttempts: 3}}})
	require.NoError(t, err)
	require.NoError(t, w.bank.Reload(set))
	require.Contains(t, html(t, h, "?api=nexpay&code=-32603"), "3 sends")
	require.Contains(t, html(t, h, ""), "<th role=\"rowheader\" scope=\"row\" data-label=\"Code\">-32603</th>")
	own, err := classify.NewCatalog("own", classify.Rule{Codes: "E1", Name: "One", Class: classify.Retryable})
	require.NoError(t, err)
	w.cfg = resiliencedebug.Config{Retriers: map[string]*retry.Retrier{
		"own": retrier(t, retry.Config{Classifier: own}), "func": retrier(t, retry.Config{Classifier: classify.Func(own.Classify)}),
	}}
	require.Contains(t, html(t, w.page(t), "?api=own&code=E1"), "E1 One")
	require.Contains(t, html(t, w.page(t), "?api=func&code=E1&status=400"), "no rule for")
}

// At most fifty codes are listed.
func TestPoliciesOfManyCodes(t *testing.T) {
	codes := map[classify.Code]policy.Policy{}
	for i := range 60 {
		codes[classify.Code(fmt.Sprintf("%d", 1000+i))] = policy.Policy{MaxAttempts: 1}
	}
	set, err := policy.Standard().With(policy.Table{Codes: codes})
	require.NoError(t, err)
	w := &world{cfg: resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": retrier(t, retry.Config{Policies: set})}}}
	s := see(t, w.page(t), "")
	require.Len(t, s.Policies.APIs[0].Policies, 51)
	require.Equal(t, 10, s.Policies.APIs[0].More)
	require.Contains(t, html(t, w.page(t), ""), "10 more codes have policies of their own")
}

// The lines can be pasted as they are: what a file cannot say stands in a comment. That
// policyfile reads them is tested there.
func TestUnknownCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		for _, code := range []classify.Code{"E*", "20..30", "*", "plain", `quo"te: #`, "050"} {
			fail(t, w.cards, 1, answer(400, code, "t1"))
		}
		fail(t, w.cards, 1, answer(0, "no_status", ""))
		s := see(t, w.page(t), "")
		require.Equal(t, []string{
			"rules:",
			`  # *: 1 time since 2000-01-01T00:00:00Z, trace t1; a policy file cannot name this code: a rule for it would match other codes too`,
			`  - code: "050" # 1 time since 2000-01-01T00:00:00Z, trace t1`,
			`    name: "unknown, seen with HTTP 400"`,
			`    class: fix-and-resend # as now; correct it by the vendor's documentation`,
			`  # 20..30: 1 time since 2000-01-01T00:00:00Z, trace t1; a policy file cannot name this code: a rule for it would match other codes too`,
		}, s.Unknown[0].YAML[:6])
		all := strings.Join(s.Unknown[0].YAML, "\n")
		require.Contains(t, all, `- code: "quo\"te: #"`)
		require.Contains(t, all, "  # E*: ")
		require.Contains(t, all, `"unknown, seen without HTTP status"`)
		require.Equal(t, "cards", s.Unknown[0].API)
		require.Equal(t, int64(7), s.Unknown[0].Count)
	})
}

func TestMethodsAndFormats(t *testing.T) {
	w := newWorld(t)
	h := w.page(t)
	for _, tt := range []struct {
		method, query string
		status        int
		allow         string
	}{
		{http.MethodGet, "", 200, ""},
		{http.MethodHead, "", 200, ""},
		{http.MethodGet, "?format=html", 200, ""},
		{http.MethodGet, "?format=xml", 400, ""},
		{http.MethodPost, "", 405, "GET, HEAD"},
		{http.MethodDelete, "", 405, "GET, HEAD"},
		{http.MethodGet, "?action=unlock&api=nexpay&name=main", 403, ""},
	} {
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), tt.method, "/x"+tt.query, nil))
		require.Equal(t, tt.status, rec.Code, "%s %s", tt.method, tt.query)
		require.Equal(t, tt.allow, rec.Header().Get("Allow"))
		head := rec.Header()
		require.Equal(t, []string{"nosniff", "DENY", "same-origin", "no-store"},
			[]string{head.Get("X-Content-Type-Options"), head.Get("X-Frame-Options"), head.Get("Referrer-Policy"), head.Get("Cache-Control")})
		require.Regexp(t, `^default-src 'none'; style-src 'sha256-[^']+'; script-src 'sha256-[^']+'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'$`,
			head.Get("Content-Security-Policy"))
	}
	w.act()
	rec := httptest.NewRecorder()
	w.page(t).ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodPut, "/", nil))
	require.Equal(t, "GET, HEAD, POST", rec.Header().Get("Allow"))
}

// Nothing is registered where all can see it.
func TestNotOnDefaultServeMux(t *testing.T) {
	newWorld(t).page(t)
	for _, path := range []string{"/", "/debug/resilience", "/debug/"} {
		_, pattern := http.DefaultServeMux.Handler(httptest.NewRequestWithContext(context.Background(), http.MethodGet, path, nil))
		require.Empty(t, pattern)
	}
}
