package switchboard_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/switchboard"
)

// What a person does on the debug page of one process holds in all.
func TestDebugPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := new(switchboard.MemoryStore)
		process := func() (*breaker.Group, *breaker.Lockout, *switchboard.Board) {
			g, l := new(breaker.Group), new(breaker.Lockout)
			b, err := switchboard.New(t.Context(), switchboard.Config{Store: store, Lockout: l, Breakers: g.Get})
			require.NoError(t, err)
			return g, l, b
		}
		here, lockout, board := process()
		there, otherLockout, otherBoard := process()
		defer board.Close()
		defer otherBoard.Close()
		r, err := retry.New(retry.Config{Breakers: here, Lockout: lockout})
		require.NoError(t, err)
		page, err := resiliencedebug.New(resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": r}, Actions: &resiliencedebug.Actions{
			Who: func(*http.Request) string { return "ada" }, Boards: map[string]resiliencedebug.Board{"bank": board},
		}})
		require.NoError(t, err)
		here.Get("payments")
		there.Get("payments")
		act := func(action, name string) {
			t.Helper()
			form := url.Values{"action": {action}, "api": {"bank"}, "name": {name}}
			rec := httptest.NewRecorder()
			page.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?"+form.Encode(), nil))
			form.Set("seen", regexp.MustCompile(`name="seen" value="(\w+)"`).FindStringSubmatch(rec.Body.String())[1])
			form.Set("reason", "maintenance")
			req := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(form.Encode()))
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			rec = httptest.NewRecorder()
			page.ServeHTTP(rec, req)
			require.Equal(t, http.StatusOK, rec.Code)
			time.Sleep(time.Second)
		}
		act("isolate", "payments")
		require.True(t, here.Get("payments").Stats().Isolated)
		require.Contains(t, there.Get("payments").Stats().Reason, "maintenance")
		act("reset", "payments")
		require.Equal(t, breaker.Closed, there.Get("payments").State())

		otherLockout.Lock("main", breaker.LockCause{Code: "100"})
		time.Sleep(time.Second)
		act("unlock", "main")
		require.Empty(t, otherLockout.Locked())
	})
}
