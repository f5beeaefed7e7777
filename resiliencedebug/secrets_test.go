package resiliencedebug_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// Canaries stand wherever a secret can: none is ever to be found on the page, in the
// JSON, in the pages of actions, or in a log.
var canaries = map[string]string{
	"key":      "canaryKey0123456789",
	"bearer":   "canaryBearerToken42",
	"password": "canaryPassword77",
	"query":    "canaryQueryValue88",
	"body":     "CH9300762011623852957",
	"panic":    "canaryPanicValue99",
	"journal":  "canaryJournalDSN55",
	"cookie":   "canaryCookie31",
	"viewer":   "canaryViewersQuery",
	"name":     "canaryNameOfCall66",
	"payment":  "canaryFingerprint3",
}

// A bank answers with all that it was sent, in its message, its code and its trace id.
type bank struct{ status, code int }

func (b bank) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	sent := fmt.Sprint(r.URL.RawQuery, " ", r.Header.Get("X-API-KEY"), " ", r.Header.Get("Authorization"), " ", string(body))
	echo, _ := json.Marshal(sent)
	key, _ := json.Marshal(r.Header.Get("X-API-KEY"))
	code := string(key)
	if b.code != 0 {
		code = fmt.Sprint(b.code)
	}
	answer := fmt.Sprintf(`{"errors":[{"code":%s,"message":%s,"data":%s}],"traceId":%s}`, code, echo, echo, key)
	return &http.Response{
		StatusCode: b.status, Request: r, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(answer)), ContentLength: int64(len(answer)),
	}, nil
}

func TestSecrets(t *testing.T) {
	var logged bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&logged, nil)))
	defer slog.SetDefault(old)

	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	journal := &script{list: func(_ context.Context, yield func(retry.Entry, error) bool) {
		yield(retry.Entry{}, errors.New("postgres://me:"+canaries["journal"]+"@host"))
	}}
	panicking := &script{list: func(context.Context, func(retry.Entry, error) bool) { panic(canaries["panic"]) }}
	remembers := new(retry.MemoryJournal)
	begin(t, remembers, retry.Entry{ID: "inv-1", Fingerprint: canaries["payment"], TraceIDs: []string{"t1"}})
	r := retrier(t, retry.Config{Breakers: new(breaker.Group), Nonces: lane, Journal: journal, Policies: quick(t)})
	cfg := resiliencedebug.Config{
		Retriers: map[string]*retry.Retrier{"bank": r, "other": retrier(t, retry.Config{Journal: panicking}), "third": retrier(t, retry.Config{Journal: remembers})},
		Actions:  &resiliencedebug.Actions{Who: func(*http.Request) string { return "ada" }},
	}
	h, err := resiliencedebug.New(cfg)
	require.NoError(t, err)

	calls := 0
	for i, b := range []bank{{503, -32603}, {400, 777}, {400, 0}, {403, 130}, {403, 100}} {
		client := &http.Client{Transport: &retryhttp.Transport{Base: b, Retrier: r, AlwaysError: true}}
		for range 7 {
			calls++
			host := fmt.Sprintf("bank-%d.example", i)
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://me:"+canaries["password"]+"@"+host+"/pay?token="+canaries["query"],
				strings.NewReader(`{"iban":"`+canaries["body"]+`"}`))
			require.NoError(t, err)
			req.Header.Set("X-API-KEY", canaries["key"])
			req.Header.Set("Authorization", "Bearer "+canaries["bearer"])
			_, err = client.Do(req) //nolint:bodyclose // there is none
			require.Error(t, err)
		}
	}
	fail(t, r, 1, &url.Error{Op: "Get", URL: "http://bank.example/?" + canaries["query"], Err: errors.New(canaries["key"])}, retry.Endpoint("own"), retry.Named(canaries["name"]))

	var nest bytes.Buffer
	look := func(r *http.Request) int {
		r.Header.Set("Cookie", "session="+canaries["cookie"])
		r.Header.Set("Authorization", "Bearer "+canaries["bearer"])
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		require.NoError(t, rec.Result().Header.Write(&nest))
		nest.Write(rec.Body.Bytes())
		return rec.Code
	}
	ask := func(query string) int {
		return look(httptest.NewRequestWithContext(t.Context(), http.MethodGet, "http://me:"+canaries["password"]+"@h.example/"+query, nil))
	}
	require.Equal(t, 200, ask("?utm="+canaries["viewer"]))
	require.Equal(t, 200, ask("?format=json&utm="+canaries["viewer"]))
	require.Equal(t, 400, ask("?format="+canaries["viewer"]))
	require.Equal(t, 400, ask("?action="+canaries["viewer"]))
	require.Equal(t, 200, ask("?action=unlock&api=bank&name=main"))
	require.Equal(t, 200, ask("?action=isolate&api=bank&name=bank-0.example&utm="+canaries["viewer"]))
	form := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/?token="+canaries["viewer"], strings.NewReader("action=isolate&api=bank&name=bank-0.example&csrf="+canaries["viewer"]))
	form.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, 409, look(form))

	s := see(t, h, "")
	require.Equal(t, "inv-1", s.Journals[2].Doubts[0].ID)
	require.Equal(t, "100", s.Keys.Keys[0].Locked.Code, "all of it did happen")
	require.Equal(t, "bank-0.example", s.Breakers.Breakers[0].Name)
	require.Equal(t, "777", s.Unknown[0].Codes[0].Code)
	require.Equal(t, int64(calls+1), s.Calls[0].Calls)
	all := nest.String() + logged.String()
	require.NotEmpty(t, logged.String())
	for name, canary := range canaries {
		for _, spelling := range []string{canary, url.QueryEscape(canary), strings.ToLower(canary), strings.ToUpper(canary)} {
			require.NotContains(t, all, spelling, name)
		}
	}
}
