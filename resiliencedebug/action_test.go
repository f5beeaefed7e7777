package resiliencedebug_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	stdhtml "html"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

var input = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// form opens the page that asks whether to act, and returns it with the form in it.
func (w *world) form(t *testing.T, query string) (page string, form url.Values) {
	t.Helper()
	page, form = html(t, w.page(t), query), url.Values{}
	for _, m := range input.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], stdhtml.UnescapeString(m[2]))
	}
	return page, form
}

func post(t *testing.T, h http.Handler, form url.Values, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/debug/resilience", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

// link returns the link of the page with that label.
func link(t *testing.T, page, label string) string {
	t.Helper()
	m := regexp.MustCompile(`href="([^"]*)" aria-label="` + regexp.QuoteMeta(stdhtml.EscapeString(label)) + `"`).FindStringSubmatch(page)
	require.NotNil(t, m, "no link %q", label)
	return stdhtml.UnescapeString(m[1])
}

// From the link to the deed, and the record of it.
func TestActions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		require.NotContains(t, html(t, w.page(t), ""), "Isolate", "off unless switched on")
		w.act()
		w.trouble(t)
		locked := w.locked()
		page := html(t, w.page(t), "")
		time.Sleep(time.Minute)

		confirm, form := w.form(t, link(t, page, "Unlock "+locked))
		require.Contains(t, confirm, "Unlock key "+locked+"?")
		require.Contains(t, confirm, "9e01aa")
		require.Contains(t, confirm, "You act as ada.")
		require.Len(t, w.lockout.Locked(), 1, "to look changes nothing")
		rec := post(t, w.page(t), form)
		require.Equal(t, http.StatusOK, rec.Code)
		require.Contains(t, rec.Body.String(), "The key is unlocked.")
		require.Empty(t, w.lockout.Locked())

		_, form = w.form(t, link(t, page, "Isolate nexpay status"))
		rec = post(t, w.page(t), form)
		require.Equal(t, http.StatusUnprocessableEntity, rec.Code, "a reason is needed")
		require.Contains(t, rec.Body.String(), `aria-invalid="true" aria-describedby="fault"`)
		require.False(t, w.group.Get("status").Stats().Isolated)
		form.Set("reason", "  vendor asked\u202e us <to>  ")
		require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
		require.Equal(t, "vendor asked us <to>", w.group.Get("status").Stats().Reason[len("isolated: "):])

		confirm, form = w.form(t, link(t, page, "Reset nexpay payments"))
		require.Contains(t, confirm, "6 failures in a row, the last: HTTP 503")
		require.Contains(t, confirm, "In this process only")
		form.Set("reason", "is not asked for")
		require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
		require.Equal(t, breaker.Closed, w.group.Get("payments").State())

		_, form = w.form(t, link(t, page, "Isolate cards"))
		form.Set("reason", "x")
		require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
		require.True(t, w.single.Stats().Isolated)

		require.Equal(t, []resiliencedebug.Action{
			{Kind: "unlock", Retrier: "nexpay", Name: locked, Who: "ada", At: time.Now()},
			{Kind: "isolate", Retrier: "nexpay", Name: "status", Reason: "vendor asked us <to>", Who: "ada", At: time.Now()},
			{Kind: "reset", Retrier: "nexpay", Name: "payments", Who: "ada", At: time.Now()},
			{Kind: "isolate", Retrier: "cards", Name: "cards", Reason: "x", Who: "ada", At: time.Now()},
		}, w.actions)
	})
}

// What was confirmed in one state is not done in another, nor twice.
func TestActionThatComesTooLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.act()
		cause := breaker.LockCause{Code: "100", TraceID: "t1"}
		w.lockout.Lock("main", cause)
		_, form := w.form(t, "?action=unlock&api=nexpay&name=main")
		refused := func(form url.Values, want string) {
			t.Helper()
			rec := post(t, w.page(t), form)
			require.Equal(t, http.StatusConflict, rec.Code)
			require.Contains(t, rec.Body.String(), want)
			require.Contains(t, rec.Body.String(), "Nothing was done")
		}
		w.lockout.Unlock("main")
		refused(form, "the key is not locked, or no longer locked")
		time.Sleep(time.Second)
		w.lockout.Lock("main", cause)
		refused(form, "its state has changed since you opened the form")
		require.Len(t, w.lockout.Locked(), 1)

		w.group.Get("payments")
		_, form = w.form(t, "?action=isolate&api=nexpay&name=payments")
		form.Set("reason", "mine")
		w.group.Get("payments").Isolate("of somebody else")
		refused(form, "its state has changed since you opened the form")
		require.Contains(t, w.group.Get("payments").Stats().Reason, "of somebody else")
		form.Set("name", "no such")
		refused(form, "no such breaker")
		form.Set("api", "cards")
		refused(form, "no such breaker")
		require.Empty(t, w.actions)
	})
}

func TestActionsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	w.act()
	w.lockout.Lock("main", breaker.LockCause{Code: "100"})
	h := w.page(t)
	_, form := w.form(t, "?action=unlock&api=nexpay&name=main")
	for name, headers := range map[string][]string{
		"another site":             {"Sec-Fetch-Site", "cross-site"},
		"the same site":            {"Sec-Fetch-Site", "same-site"},
		"no site":                  {"Sec-Fetch-Site", "none"},
		"a site that lies":         {"Sec-Fetch-Site", "cross-site", "Origin", "http://example.com"},
		"another origin":           {"Origin", "http://evil.example"},
		"no origin":                {"Origin", "null"},
		"another port":             {"Origin", "http://example.com:8080"},
		"same-origin, with a twin": {"Sec-Fetch-Site", "same-origin, cross-site"},
	} {
		rec := post(t, h, form, headers...)
		require.Equal(t, http.StatusForbidden, rec.Code, name)
		require.Contains(t, rec.Body.String(), "another site", name)
	}
	require.Equal(t, http.StatusBadRequest, post(t, h, url.Values{"action": {"explode"}}).Code)
	require.Equal(t, http.StatusBadRequest, post(t, h, url.Values{"action": {"unlock"}, "reason": {strings.Repeat("x", 1<<20)}}).Code)
	require.Equal(t, http.StatusBadRequest, get(t, h, "?action=explode").Code)
	w.who = "\x00"
	require.Equal(t, http.StatusForbidden, post(t, h, form).Code, "somebody without a name")
	require.Equal(t, http.StatusForbidden, get(t, h, "?action=unlock&api=nexpay&name=main").Code)
	w.cfg.Actions.Who = func(*http.Request) string { panic("canary") }
	require.Equal(t, http.StatusForbidden, post(t, w.page(t), form).Code)
	require.Len(t, w.lockout.Locked(), 1)
	require.Empty(t, w.actions)

	w.who = "ada"
	require.Equal(t, http.StatusOK, post(t, h, form, "Sec-Fetch-Site", "same-origin", "Origin", "https://anything.example").Code)
}

// A board passes it on, and this process has it whatever the board does.
func TestBoards(t *testing.T) {
	for name, b := range map[string]resiliencedebug.Board{"one that knows no breakers": new(board), "one that panics": (*board)(nil)} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.act()
			w.cfg.Actions.Boards = map[string]resiliencedebug.Board{"nexpay": b}
			payments := w.group.Get("payments")
			confirm, form := w.form(t, "?action=isolate&api=nexpay&name=payments")
			require.Contains(t, confirm, "In every process that shares its switchboard.")
			form.Set("reason", "why")
			require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
			require.True(t, payments.Stats().Isolated)
			_, form = w.form(t, "?action=reset&api=nexpay&name=payments")
			require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
			require.Equal(t, breaker.Closed, payments.State())
			if b := b.(*board); b != nil {
				require.Equal(t, []string{"isolate payments: why", "reset payments"}, b.said)
			}
		})
	}
}

// A board that does it here as well does it once: OnStateChange hears of it once.
func TestBoardThatActsHere(t *testing.T) {
	heard := 0
	b, err := breaker.New(breaker.Config{Name: "bank", OnStateChange: func(breaker.StateChange) { heard++ }})
	require.NoError(t, err)
	w := &world{who: "ada", cfg: resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": retrier(t, retry.Config{Breaker: b})}}}
	w.act()
	w.cfg.Actions.Boards = map[string]resiliencedebug.Board{"bank": direct{b}}
	_, form := w.form(t, "?action=isolate&api=bank&name=bank")
	form.Set("reason", "why")
	require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
	_, form = w.form(t, "?action=reset&api=bank&name=bank")
	require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
	require.Equal(t, 2, heard)
}

type direct struct{ b *breaker.Breaker }

func (d direct) Isolate(_, reason string) { d.b.Isolate(reason) }
func (d direct) Reset(string)             { d.b.Reset() }

// An action that nobody is told of is logged; a hook that panics undoes nothing.
func TestActionsAreLogged(t *testing.T) {
	w := newWorld(t)
	w.act()
	w.cfg.Actions.OnAction = nil
	var text bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&text, nil)))
	defer slog.SetDefault(old)
	_, form := w.form(t, "?action=isolate&api=cards&name=cards")
	form.Set("reason", "a reason")
	require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
	require.Contains(t, text.String(), `level=WARN msg="resiliencedebug: action" kind=isolate retrier=cards name=cards reason="a reason" who=ada`)

	w.cfg.Actions.OnAction = func(context.Context, resiliencedebug.Action) { panic("canary") }
	_, form = w.form(t, "?action=reset&api=cards&name=cards")
	require.Equal(t, http.StatusOK, post(t, w.page(t), form).Code)
	require.Equal(t, breaker.Closed, w.single.State())
	require.NotContains(t, text.String(), "canary")
}
