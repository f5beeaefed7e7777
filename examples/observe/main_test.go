package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// In the course of a day, the page and the metrics show what the bank did.
func TestADay(t *testing.T) {
	s, err := newService(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.close()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.serve(ctx, listener, 4*time.Second, 0) }()
	defer func() {
		stop()
		require.NoError(t, <-ended)
		http.DefaultClient.CloseIdleConnections()
	}()
	url := fmt.Sprintf("http://%s", listener.Addr())

	locked := func() bool {
		var page map[string]any
		return json.Unmarshal(get(t, url+"/debug/resilience?format=json"), &page) == nil && len(page) > 0 &&
			s.r.Lockout().Check("payouts-2") != nil
	}
	require.Eventually(t, locked, 30*time.Second, 20*time.Millisecond, "the key is locked once a day")
	require.Contains(t, string(get(t, url+"/debug/resilience")), "payouts-2 locked")
	metrics := string(get(t, url+"/metrics"))
	require.Contains(t, metrics, `resilience_lockout_locked{error_type="API key locked",key="payouts-2"} 1`)
	require.Contains(t, metrics, `resilience_call_duration_seconds_count{`)
	require.Contains(t, string(get(t, url+"/")), "/debug/resilience")
	require.Positive(t, s.r.Stats().Successes)
	require.NotEmpty(t, s.bank.Payments())
}

func get(t *testing.T, url string) []byte {
	resp, err := http.Get(url)
	require.NoError(t, err)
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, resp.StatusCode, "%s: %s", url, text)
	return text
}

// There is no login, so actions are refused under every host name that is not this
// machine: any website can let a name of its own resolve to 127.0.0.1.
func TestActionsAreForThisMachine(t *testing.T) {
	s, err := newService(slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer s.close()
	for host, want := range map[string]int{
		"127.0.0.1:8089": http.StatusConflict, "localhost:8089": http.StatusConflict, "[::1]:8089": http.StatusConflict,
		"evil.example:8089": http.StatusForbidden, "evil.example": http.StatusForbidden, "": http.StatusForbidden,
	} {
		r := httptest.NewRequest(http.MethodGet, "/debug/resilience?action=unlock&api=nexpay&name=none", nil)
		r.Host = host
		w := httptest.NewRecorder()
		s.page.ServeHTTP(w, r)
		require.Equal(t, want, w.Code, host)
	}
}
