package story_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

const logsPage = "../../docs/logs.md"

// An upstream answers requests, the last answer for ever.
type upstream struct{ answers []string }

func (u *upstream) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		_, _ = io.Copy(io.Discard, req.Body)
		_ = req.Body.Close()
	}
	time.Sleep(80 * time.Millisecond)
	answer := u.answers[0]
	if len(u.answers) > 1 {
		u.answers = u.answers[1:]
	}
	status, body := http.StatusOK, answer
	switch code, found := strings.CutPrefix(answer, "503"); {
	case found:
		status, body = http.StatusServiceUnavailable, code
	case strings.Contains(answer, `"errors"`):
		status = http.StatusBadRequest
		if strings.Contains(answer, `:100`) {
			status = http.StatusForbidden
		}
	}
	return &http.Response{
		StatusCode: status, ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: req,
	}, nil
}

// refusal is an answer with a code of the API's.
func refusal(code string) string { return `{"errors":[{"code":` + code + `}],"traceId":"5f2c"}` }

const fine, down = `{"id":17}`, `503{"traceId":"9ab1"}`

// A scene is a program whose log is looked at.
type scene struct {
	t    *testing.T
	log  *bytes.Buffer
	r    *retry.Retrier
	json bool
}

// watched returns a retrier that logs all there is.
func (s *scene) watched(cfg retry.Config) *retry.Retrier {
	s.log = new(bytes.Buffer)
	opts := &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}
	logger := slog.New(slog.NewTextHandler(s.log, opts))
	if s.json {
		logger = slog.New(slog.NewJSONHandler(s.log, opts))
	}
	set, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{
		Backoff: policy.Backoff{Initial: time.Second, Max: time.Minute, Jitter: policy.JitterNone},
	}})
	require.NoError(s.t, err)
	b, err := breaker.New(breaker.Config{
		Name: "bank", ConsecutiveFailures: 4, OpenFor: time.Minute, MaxOpenFor: time.Minute, OnStateChange: breaker.LogChanges(logger),
	})
	require.NoError(s.t, err)
	lockout := new(breaker.Lockout)
	lockout.Watch(breaker.LogLockouts(logger))
	cfg.Key, cfg.Policies, cfg.Breaker, cfg.Lockout = "main", set, b, lockout
	cfg.OnEvent, cfg.OnCall = retry.LogEvents(logger), retry.LogCalls(logger)
	s.r, err = retry.New(cfg)
	require.NoError(s.t, err)
	return s.r
}

// request makes a request of the API that answers so.
func (s *scene) request(method string, header http.Header, change func(*http.Request) *http.Request, answers ...string) {
	tr := &retryhttp.Transport{Base: &upstream{answers}, Retrier: s.r, AlwaysError: true}
	req, err := http.NewRequestWithContext(s.t.Context(), method, "https://api.example.com/v1/payments/4711?token=canary", strings.NewReader("canary"))
	require.NoError(s.t, err)
	req.Header = header.Clone()
	if req.Header == nil {
		req.Header = http.Header{}
	}
	req.Header.Set("Authorization", "Bearer canary")
	if change != nil {
		req = change(req)
	}
	if resp, err := tr.RoundTrip(req); err == nil {
		require.NoError(s.t, resp.Body.Close())
	}
}

// found makes an operation of a request, which a lookup finds to have happened.
func found(req *http.Request) *http.Request {
	return retryhttp.Once(req, "inv-7", func(context.Context) (*http.Response, retry.Outcome, error) {
		time.Sleep(60 * time.Millisecond)
		return &http.Response{StatusCode: http.StatusOK, Body: http.NoBody}, retry.Applied, nil
	})
}

// unverified makes an operation of a request that nobody can look up.
func unverified(req *http.Request) *http.Request {
	return retryhttp.OnceWith(req, retry.Operation[*http.Response]{ID: "inv-7"})
}

// A fullJournal cannot write how an operation ended.
type fullJournal struct{ retry.MemoryJournal }

func (*fullJournal) End(context.Context, retry.Entry) error { return errors.New("disk full") }

// scenes are what the samples of the page come from, in its order, each with the messages of
// the lines that are shown of it.
var scenes = []struct {
	name string
	show string // a regular expression for the lines
	play func(*scene)
}{
	{"resend and recovered", `resend|recovered`, func(s *scene) { s.watched(retry.Config{}); s.request("GET", nil, nil, down, fine) }},
	{"a decline", `gave up`, func(s *scene) { s.watched(retry.Config{}); s.request("POST", nil, nil, refusal("30010")) }},
	{"an outage", `gave up`, func(s *scene) { s.watched(retry.Config{}); s.request("GET", nil, nil, down) }},
	{"in doubt", `gave up`, func(s *scene) { s.watched(retry.Config{}); s.request("POST", nil, nil, down) }},
	{"a locked key", `locked out|gave up`, func(s *scene) { s.watched(retry.Config{}); s.request("GET", nil, nil, refusal("100")) }},
	{"a fallback", `fallback`, func(s *scene) {
		r := s.watched(retry.Config{})
		s.request("GET", nil, nil, down)
		quote := func(context.Context) (int, error) { return 1, nil }
		cached := func(context.Context, *retry.Error) (int, error) { return 0, nil }
		_, _ = retry.DoValue(s.t.Context(), r, quote, retry.Named("quote"), retry.Fallback(cached))
	}},
	{"a payment", `in doubt|looked up|out of doubt`, func(s *scene) {
		s.watched(retry.Config{})
		s.request("POST", nil, found, down)
	}},
	{"a payment, unknown", `gave up`, func(s *scene) {
		s.watched(retry.Config{})
		s.request("POST", nil, unverified, down)
	}},
	{"a journal", `journal`, func(s *scene) {
		s.watched(retry.Config{Journal: new(fullJournal)})
		s.request("POST", nil, found, fine)
	}},
	{"a hedge", `hedge`, func(s *scene) {
		r := s.watched(retry.Config{})
		_, _ = retry.Hedge(s.t.Context(), r, 50*time.Millisecond, func(context.Context) (int, error) {
			time.Sleep(80 * time.Millisecond)
			return 1, nil
		}, retry.Named("rate"))
	}},
	{"a warning", `warning`, func(s *scene) {
		s.watched(retry.Config{})
		s.request("POST", http.Header{"Idempotency-Key": {"canary"}}, nil, fine)
	}},
	{"an unknown code", `unknown code`, func(s *scene) { s.watched(retry.Config{}); s.request("POST", nil, nil, refusal("4711")) }},
	{"calls", `call`, func(s *scene) {
		s.watched(retry.Config{})
		s.request("GET", nil, nil, fine)
		s.request("GET", nil, nil, down, fine)
		s.request("POST", nil, nil, refusal("30010"))
		s.request("POST", nil, found, down)
	}},
	{"a breaker", `state changed`, func(s *scene) {
		s.watched(retry.Config{})
		s.request("GET", nil, nil, down)
		time.Sleep(time.Minute)
		s.request("GET", nil, nil, fine)
	}},
	{"a lockout", `key (locked|unlocked)`, func(s *scene) {
		r := s.watched(retry.Config{})
		s.request("GET", nil, nil, refusal("100"))
		r.Lockout().Unlock("main")
	}},
}

// openTimes are parts of lines that differ from run to run: an open time is openTimes at random.
var openTimes = regexp.MustCompile(`(retry_in=|retry in |next try in |open now, for |back in )\d[\w.]*`)

// logLines plays a scene, and returns what is shown of it.
func logLines(t *testing.T, show string, asJSON bool, play func(*scene)) (shown []string) {
	synctest.Test(t, func(t *testing.T) {
		s := &scene{t: t, json: asJSON}
		play(s)
		require.NotContains(t, s.log.String(), "canary")
		require.NotContains(t, s.log.String(), "/v1")
		pick := regexp.MustCompile(`(msg=|"msg":)"(retry|breaker): (` + show + `)`)
		for line := range strings.Lines(s.log.String()) {
			if pick.MatchString(line) {
				shown = append(shown, openTimes.ReplaceAllString(strings.TrimSpace(line), "${1}50s"))
			}
		}
	})
	require.NotEmpty(t, shown)
	return shown
}

// fenced returns the lines of a page's blocks of that kind.
func fenced(page, kind string) (all []string) {
	for _, block := range regexp.MustCompile("(?s)```"+kind+"\n(.*?)```").FindAllStringSubmatch(page, -1) {
		all = append(all, strings.Split(strings.TrimSpace(block[1]), "\n")...)
	}
	return all
}

// The samples on the page are what is logged, and its tables have each line and each field.
func TestLogsPageShowsWhatIsLogged(t *testing.T) {
	text, err := os.ReadFile(logsPage)
	require.NoError(t, err)
	page := string(text)
	var all []string
	for _, s := range scenes {
		all = append(all, logLines(t, s.show, false, s.play)...)
	}
	require.Equal(t, strings.Join(all, "\n"), strings.Join(fenced(page, "text"), "\n"))
	require.Equal(t, logLines(t, "gave up", true, scenes[1].play), fenced(page, "json"))

	rows := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\|").FindAllStringSubmatch(page, -1) {
		require.False(t, rows[row[1]], row[1])
		rows[row[1]] = false
	}
	for _, line := range all {
		bare := regexp.MustCompile(`"(\\.|[^"\\])*"`).ReplaceAllString(line, "")
		for _, field := range regexp.MustCompile(`(?:^| )([a-z_]+)=`).FindAllStringSubmatch(bare, -1) {
			require.Contains(t, rows, field[1], line)
			rows[field[1]] = true
		}
	}
	rare := []string{"retry_after", "fallback", "by"} // no sample has them
	for field, seen := range rows {
		require.Equal(t, !slices.Contains(rare, field), seen, field)
	}
	for k := retry.EventResend; k.String() != "invalid"; k++ {
		require.Contains(t, page, `msg="retry: `+k.String()+`"`, "a sample of %v", k)
	}
}
