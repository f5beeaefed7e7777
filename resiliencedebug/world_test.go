package resiliencedebug_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A world is two APIs of a program on a bad night.
type world struct {
	cfg          resiliencedebug.Config
	group        *breaker.Group
	single       *breaker.Breaker
	lockout      *breaker.Lockout
	journal      *retry.MemoryJournal
	bank, cards  *retry.Retrier
	payouts      *nonce.Lane
	actions      []resiliencedebug.Action
	who          string
	bankPolicies *policy.Set
}

// quick has calls end after their first send.
func quick(t testing.TB) *policy.Set {
	t.Helper()
	set, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{MaxAttempts: 1}})
	require.NoError(t, err)
	return set
}

// newWorld is quiet: nothing has happened.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := &world{lockout: new(breaker.Lockout), journal: new(retry.MemoryJournal), who: "ada"}
	var err error
	w.group, err = breaker.NewGroup(breaker.Config{Name: "nexpay", OpenFor: time.Hour, MaxOpenFor: time.Hour}, 0)
	require.NoError(t, err)
	w.single, err = breaker.New(breaker.Config{Name: "cards", OpenFor: time.Hour, MaxOpenFor: time.Hour})
	require.NoError(t, err)
	var lanes []*nonce.Lane
	for _, key := range []string{"payouts-1", "payouts-2", "refunds"} {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: key})
		require.NoError(t, err)
		lanes = append(lanes, lane)
	}
	pool, err := nonce.NewPool(lanes...)
	require.NoError(t, err)
	w.payouts, w.bankPolicies = lanes[0], quick(t)
	w.bank = retrier(t, retry.Config{Breakers: w.group, Lockout: w.lockout, Nonces: pool, Journal: w.journal, Policies: w.bankPolicies})
	catalog, err := classify.NewCatalog("cards", classify.Rule{Codes: "card_declined", Name: "Card declined", Class: classify.Fatal})
	require.NoError(t, err)
	set, err := policy.Standard().With(policy.Table{Catalog: catalog})
	require.NoError(t, err)
	w.cards = retrier(t, retry.Config{Breaker: w.single, Policies: set})
	w.cfg = resiliencedebug.Config{Title: "payouts eu-1", Retriers: map[string]*retry.Retrier{"nexpay": w.bank, "cards": w.cards}}
	return w
}

func retrier(t testing.TB, cfg retry.Config) *retry.Retrier {
	t.Helper()
	r, err := retry.New(cfg)
	require.NoError(t, err)
	return r
}

// act switches the actions on.
func (w *world) act() {
	w.cfg.Actions = &resiliencedebug.Actions{
		Who:      func(*http.Request) string { return w.who },
		OnAction: func(_ context.Context, a resiliencedebug.Action) { w.actions = append(w.actions, a) },
	}
}

func answer(status int, code classify.Code, trace string) error {
	e := &classify.Error{Status: status, TraceID: trace}
	if code != "" {
		e.Details = []classify.Detail{{Code: code, Message: "message of the server"}}
	}
	return e
}

// fail makes n calls that are answered so.
func fail(t testing.TB, r *retry.Retrier, n int, err error, opts ...retry.Option) {
	t.Helper()
	for range n {
		require.Error(t, retry.Do(context.Background(), r, func(context.Context) error { return err }, opts...))
	}
}

// trouble has a bad night begin.
func (w *world) trouble(t testing.TB) {
	t.Helper()
	ok := func(context.Context) error { return nil }
	for _, endpoint := range []string{"payments", "status", "balance"} {
		for range 40 {
			require.NoError(t, retry.Do(context.Background(), w.bank, ok, retry.Endpoint(endpoint)))
		}
	}
	fail(t, w.bank, 6, answer(503, "-32603", "5f2c91"), retry.Endpoint("payments"))
	fail(t, w.bank, 25, answer(503, "-32603", "5f2c91"), retry.Endpoint("payments")) // refused
	fail(t, w.bank, 2, answer(503, "", ""), retry.Endpoint("status"))
	fail(t, w.bank, 1, answer(403, "100", "9e01aa"), retry.Endpoint("balance"))
	fail(t, w.bank, 3, answer(400, "QUOTA_EXCEEDED", "77aa02"), retry.Endpoint("balance"))
	for range 30 {
		require.NoError(t, retry.Do(context.Background(), w.cards, ok))
	}
	fail(t, w.cards, 2, answer(402, "card_declined", "c0ffee"))
	w.doubt(t, 3, time.Now().Add(-20*time.Minute))
	begin(t, w.journal, retry.Entry{ID: "inv-2026-0900", Key: "payouts-2", At: time.Now().UTC(), Nonce: 1772597167999000})
}

func (w *world) doubt(t testing.TB, n int, at time.Time) {
	t.Helper()
	for i := range n {
		begin(t, w.journal, retry.Entry{
			ID: fmt.Sprintf("inv-2026-%04d", 815+i), Key: "payouts-1", At: at.Add(time.Duration(i) * time.Second).UTC(),
			Nonce: 1772597167512000 + uint64(i), Takes: 10 * time.Second, TraceIDs: []string{"5f2c91", fmt.Sprintf("77aa%02d", i)},
		})
	}
}

func begin(t testing.TB, j retry.Journal, e retry.Entry) {
	t.Helper()
	e.State, e.Owner = retry.EntryOpen, "test"
	_, err := j.Begin(context.Background(), e)
	require.NoError(t, err)
}

func (w *world) page(t testing.TB) http.Handler {
	t.Helper()
	h, err := resiliencedebug.New(w.cfg)
	require.NoError(t, err)
	return h
}

func get(t testing.TB, h http.Handler, query string) *httptest.ResponseRecorder {
	t.Helper()
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/debug/resilience"+query, nil))
	return rec
}

func html(t testing.TB, h http.Handler, query string) string {
	t.Helper()
	rec := get(t, h, query)
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, "text/html; charset=utf-8", rec.Header().Get("Content-Type"))
	return rec.Body.String()
}

// A seen is the JSON, as far as the tests ask.
type seen struct {
	Title string
	Well  bool
	Wrong []struct{ Text, Section string }
	Notes []struct{ Text, Section string }

	Breakers *struct {
		States   map[string]int
		More     int
		Breakers []struct {
			APIs                []string
			Name, State, Reason string
			Until               *time.Time
			Failures, Calls     uint64
			Refused             uint64
			InARow              int `json:"failures_in_a_row"`
		}
	}
	Keys *struct {
		Locked, More int
		Keys         []struct {
			APIs []string
			Key  string
			Lane *struct {
				Waiting, Limit int
				InFlight       int `json:"in_flight"`
			}
			Locked *struct {
				Code, Reason, Advice string
				TraceID              string `json:"trace_id"`
				Since                time.Time
			}
		}
	}
	Calls []struct {
		API                              string
		Calls, Successes, Sends, Resends int64
		SendsPerCall                     float64 `json:"sends_per_call"`
		Ended                            map[string]int64
		Budget                           *struct {
			Tokens, Capacity, Cost int
			Empty                  bool
		}
	}
	Unknown []struct {
		API   string
		Count int64
		Codes []struct{ Code string }
		YAML  []string
	} `json:"unknown_codes"`
	Journals []struct {
		APIs     []string
		InDoubt  int `json:"in_doubt"`
		UnderWay int `json:"under_way"`
		Complete bool
		Trouble  string
		Doubts   []struct {
			ID, Key    string
			Generation int64
			Nonce      uint64
			TraceIDs   []string `json:"trace_ids"`
			First      *time.Time
			Conclusive *time.Time
		}
	}
	Policies *struct {
		APIs []struct {
			API      string
			Catalog  string
			Policies []struct{ Code, Class string }
			More     int
		}
		Explained *struct {
			Fault string
			Lines []string
		}
	}
}

func see(t testing.TB, h http.Handler, query string) (s seen) {
	t.Helper()
	rec := get(t, h, "?format=json"+strings.Replace(query, "?", "&", 1))
	require.Equal(t, http.StatusOK, rec.Code)
	require.Equal(t, "application/json; charset=utf-8", rec.Header().Get("Content-Type"))
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &s))
	return s
}

func (s *seen) texts() (all []string) {
	for _, f := range s.Wrong {
		all = append(all, f.Text)
	}
	return all
}
