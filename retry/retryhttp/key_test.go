package retryhttp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A keeper is an API that executes a POST once per key for as long as it keeps that, and repeats its answer, whatever that
// was; one without a key it executes each time.
type keeper struct {
	mu       sync.Mutex
	keeps    time.Duration
	takes    time.Duration // to execute
	trouble  []string      // for the requests in their order: "drop" the request, "lose" the answer, "500" after it was executed
	kept     map[string]*keptAnswer
	executed int
	seen     []string // key and body
}

type keptAnswer struct {
	body   string
	status int
	done   time.Time
	ends   time.Time
}

func (k *keeper) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	text, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_ = req.Body.Close()
	reports(req, nil)
	k.mu.Lock()
	defer k.mu.Unlock()
	key := strings.Join(req.Header["Idempotency-Key"], ",")
	k.seen = append(k.seen, key+" "+string(text))
	trouble := ""
	if len(k.trouble) > 0 {
		trouble, k.trouble = k.trouble[0], k.trouble[1:]
	}
	if trouble == "drop" {
		return nil, io.ErrUnexpectedEOF
	}
	now := time.Now()
	held := k.kept[key]
	switch {
	case key != "" && held != nil && now.Before(held.ends):
		switch {
		case held.body != string(text):
			return with(422, `{"error":{"code":"other_body"}}`)(req)
		case now.Before(held.done):
			return with(409, `{"error":{"code":"in_progress"}}`)(req)
		}
	default:
		k.executed++
		held = &keptAnswer{string(text), 200, now.Add(k.takes), now.Add(k.keeps)}
		if trouble == "500" {
			held.status = 500
		}
		if key != "" {
			k.kept[key] = held
		}
		if k.takes > 0 {
			k.mu.Unlock()
			select {
			case <-time.After(k.takes):
			case <-req.Context().Done():
			}
			k.mu.Lock()
			if err := req.Context().Err(); err != nil {
				return nil, err
			}
		}
	}
	if trouble == "lose" {
		return nil, io.ErrUnexpectedEOF
	}
	return with(held.status, fmt.Sprintf(`{"id":%d}`, k.executed))(req)
}

func (k *keeper) count(t *testing.T, executed, seen int) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	require.Equal(t, executed, k.executed, "executed; seen %q", k.seen)
	require.Len(t, k.seen, seen)
	for _, one := range k.seen {
		require.Equal(t, k.seen[0], one, "the same key and the same bytes")
	}
}

func keyed(t testing.TB, keys ...string) *http.Request {
	req := request(t, "POST", `{"amount":17}`)
	if len(keys) > 0 {
		req.Header["Idempotency-Key"] = keys
	}
	return req
}

// A POST with a key is sent again after doubt, and executed once.
func TestKeyMakesAResendSafe(t *testing.T) {
	once := func(change func(*http.Request)) *http.Request {
		req := keyed(t, "inv-7")
		change(req)
		return req
	}
	for name, tt := range map[string]struct {
		trouble  []string
		takes    time.Duration
		req      *http.Request
		change   func(*retryhttp.Transport)
		status   int // of the answer; 0: an error
		executed int
		seen     int
	}{
		"nothing is wrong":             {nil, 0, keyed(t, "inv-7"), nil, 200, 1, 1},
		"requests are dropped":         {[]string{"drop", "drop"}, 0, keyed(t, "inv-7"), nil, 200, 1, 3},
		"the answer is lost":           {[]string{"lose"}, 0, keyed(t, "inv-7"), nil, 200, 1, 2},
		"the answer is lost again":     {[]string{"lose", "lose", "drop"}, 0, keyed(t, "inv-7"), nil, 200, 1, 4},
		"every answer is lost":         {[]string{"lose", "lose", "lose", "lose", "lose", "lose"}, 0, keyed(t, "inv-7"), nil, 0, 1, 5},
		"a 500 is repeated":            {[]string{"500"}, 0, keyed(t, "inv-7"), nil, 500, 1, 5},
		"the first is under way":       {nil, 12500 * time.Millisecond, keyed(t, "inv-7"), nil, 200, 1, 4}, // given up after 10 s
		"no key":                       {[]string{"lose"}, 0, keyed(t), nil, 0, 1, 1},
		"an empty key":                 {[]string{"lose"}, 0, keyed(t, ""), nil, 0, 1, 1},
		"two keys":                     {[]string{"lose"}, 0, keyed(t, "inv-7", "inv-7"), nil, 0, 1, 1},
		"PATCH":                        {[]string{"lose"}, 0, once(func(r *http.Request) { r.Method = "PATCH" }), nil, 200, 1, 2},
		"a body that can be read once": {[]string{"lose"}, 0, once(func(r *http.Request) { r.GetBody = nil }), nil, 0, 1, 1},
		"one that is kept": {[]string{"lose"}, 0, once(func(r *http.Request) { r.GetBody = nil }),
			func(tr *retryhttp.Transport) { tr.BufferBody = 100 }, 200, 1, 2},
		"none at all": {[]string{"lose"}, 0, once(func(r *http.Request) { r.Body, r.GetBody, r.ContentLength = nil, nil, 0 }), nil, 200, 1, 2},
		"a signature over the time": {[]string{"lose"}, 0, keyed(t, "inv-7"), func(tr *retryhttp.Transport) {
			tr.Sign = func(r *http.Request) error {
				text, err := io.ReadAll(r.Body) // and puts another one in its place
				r.Body = io.NopCloser(strings.NewReader(string(text)))
				r.Header.Set("X-Signature", fmt.Sprint(time.Now().UnixNano(), len(text)))
				return err
			}
		}, 200, 1, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var warned []string
				k := &keeper{keeps: 24 * time.Hour, takes: tt.takes, trouble: tt.trouble, kept: map[string]*keptAnswer{}}
				c := under(t, vendor(t), k, func(tr *retryhttp.Transport) {
					tr.Retrier = quick(t, retry.Config{Policies: vendorPolicies(t, vendor(t), 5), Budget: retry.NoBudget(), OnEvent: func(_ context.Context, e retry.Event) {
						if e.Kind == retry.EventWarning {
							warned = append(warned, e.Error)
						}
					}})
					if tt.change != nil {
						tt.change(tr)
					}
				})
				resp, err := c.Do(tt.req.Clone(t.Context()))
				if tt.status == 0 {
					require.Equal(t, classify.Unknown, errorOf(t, err).Effect)
				} else {
					require.NoError(t, err)
					require.Equal(t, tt.status, resp.StatusCode)
					require.NoError(t, resp.Body.Close())
				}
				if tt.seen > 1 {
					require.Empty(t, warned)
				}
				k.count(t, tt.executed, tt.seen)
			})
		})
	}
}

// A request of a PUT, or under a catalog without keys, is judged as ever.
func TestKeyOfAnAPIWithoutKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plain := vendor(t, func(s *classify.Shape) { s.IdempotencyKeys, s.IdempotentFor = nil, 0 })
		k := &keeper{keeps: time.Hour, trouble: []string{"lose"}, kept: map[string]*keptAnswer{}}
		_, err := under(t, plain, k).Do(keyed(t, "inv-7"))
		require.ErrorIs(t, err, retry.ErrDoubt)
		k.count(t, 1, 1)
	})
}

// The error of a request that is not sent again in doubt says what would have let it be; so does the event, which is
// what is logged.
func TestWhatWouldHelpInDoubt(t *testing.T) {
	const none = "; action: use an idempotency key to make it retryable: name its header in Shape.IdempotencyKeys (in a file, answer: idempotency-keys); " +
		"for an API without keys, use retryhttp.Once, which looks up what happened (1 send in 0s, effect unknown)"
	for name, tt := range map[string]struct {
		keys   []string
		header [][2]string
		method string
		want   string
	}{
		"an API without keys": {nil, [][2]string{{"Idempotency-Key", "inv-7"}}, "POST", none},
		"one that was forgotten": {[]string{"Idempotency-Key"}, nil, "POST",
			"; action: set Idempotency-Key, one value for each operation, to make it retryable (1 send in 0s, effect unknown)"},
		"one of two that was forgotten": {[]string{"Idempotency-Key", "X-Request-Token"}, nil, "PATCH",
			"; action: set Idempotency-Key or X-Request-Token, one value for each operation, to make it retryable (1 send"},
		"an empty one": {[]string{"idempotency-key"}, [][2]string{{"Idempotency-Key", " "}}, "POST",
			"; action: send exactly one Idempotency-Key that is not empty, to make it retryable (1 send"},
		"two": {[]string{"Idempotency-Key"}, [][2]string{{"Idempotency-Key", "a"}, {"Idempotency-Key", "b"}}, "POST",
			"; action: send exactly one Idempotency-Key that is not empty, to make it retryable (1 send"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := vendor(t, func(s *classify.Shape) {
					if s.IdempotencyKeys = tt.keys; tt.keys == nil {
						s.IdempotentFor = 0
					}
				})
				var logged string
				r, err := retry.New(retry.Config{Policies: vendorPolicies(t, c, 5), OnEvent: func(_ context.Context, e retry.Event) {
					if e.Kind == retry.EventGaveUp {
						logged = e.Err.Error()
					}
				}})
				require.NoError(t, err)
				req := request(t, tt.method, "amount=17")
				for _, h := range tt.header {
					req.Header.Add(h[0], h[1])
				}
				_, err = under(t, c, answers(says(429, "slow down")), func(tr *retryhttp.Transport) { tr.Retrier, tr.AlwaysError = r, true }).Do(req)
				require.ErrorIs(t, err, retry.ErrDoubt)
				require.Contains(t, errorOf(t, err).Error(), "retry: "+tt.method+" bank.example: it may have taken effect, so it is not sent again: HTTP 429")
				require.Contains(t, errorOf(t, err).Error(), tt.want)
				require.Equal(t, errorOf(t, err).Error(), logged)
			})
		})
	}
}

// A refusal after doubt speaks for its own send: who does what its rule advises would pay twice. What helps is the key.
func TestWhatHelpsAfterDoubt(t *testing.T) {
	const again = "; action: look it up, or send it again with the same Idempotency-Key, which the API keeps for 24h0m0s (2 sends in 1s, effect unknown)"
	busy, slow, down := with(429, `{"error":{"code":"busy"}}`), with(503, "", "Retry-After", "300"), with(503, "")
	for name, tt := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		reason  error
		want    string
	}{
		"declined at once":       {[]func(*http.Request) (*http.Response, error){with(402, declined)}, retry.ErrFatal, "Card declined; action: Ask for another card (1 send in 0s, effect not applied)"},
		"declined in doubt":      {[]func(*http.Request) (*http.Response, error){down, with(402, declined)}, retry.ErrFatal, "Card declined" + again},
		"of the wrong form":      {[]func(*http.Request) (*http.Response, error){down, with(400, "")}, retry.ErrFixAndResend, "HTTP 400" + again},
		"the wait is too long":   {[]func(*http.Request) (*http.Response, error){slow}, retry.ErrRetryAfter, "it asks to come back after 5m0s" + strings.Replace(again, "2 sends in 1s", "1 send in 0s", 1)},
		"the attempts are over":  {[]func(*http.Request) (*http.Response, error){busy, busy}, retry.ErrAttempts, "Busy" + again},
		"a decline in a 200":     {[]func(*http.Request) (*http.Response, error){with(200, declined)}, retry.ErrFatal, "action: Ask for another card (1 send in 0s, effect unknown)"},
		"the form, and no doubt": {[]func(*http.Request) (*http.Response, error){with(400, "")}, retry.ErrFixAndResend, "HTTP 400 (1 send in 0s, effect unknown)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := vendor(t)
				r := quick(t, retry.Config{Policies: vendorPolicies(t, c, 2)})
				_, err := under(t, c, answers(tt.answers...), func(tr *retryhttp.Transport) { tr.Retrier, tr.AlwaysError, tr.InspectJSON = r, true, true }).Do(keyed(t, "inv-7"))
				require.ErrorIs(t, err, tt.reason)
				require.ErrorContains(t, errorOf(t, err), tt.want)
			})
		})
	}
}

// What nexpolicy explain says of an answer, and the error of a call, are one: a code that no rule knows proves nothing.
func TestUnknownCodeProvesNothing(t *testing.T) {
	const unknown = `{"error":{"code":"already_paid","message":"Paid before."}}`
	for _, status := range []int{400, 402, 403, 409, 421, 422, 424, 429, 503} {
		for _, method := range []string{"GET", "POST"} {
			synctest.Test(t, func(t *testing.T) {
				c := vendor(t)
				_, err := under(t, c, answers(with(status, unknown), with(status, unknown), with(status, unknown), with(status, unknown), with(status, unknown)), func(tr *retryhttp.Transport) { tr.AlwaysError = true }).Do(request(t, method, "amount=17"))
				e := errorOf(t, err)
				require.Equal(t, classify.Code("already_paid"), e.Verdict.Code)
				require.Equal(t, classify.Unknown, e.Effect, "%s %d", method, status)
				require.Equal(t, e.Effect, c.Classify(c.Decode(status, nil, []byte(unknown))).Effect, "%s %d", method, status)
			})
		}
	}
}

// When the API may have forgotten the key, less the time that a late copy takes, the request is one without a key.
func TestKeyIsForgotten(t *testing.T) {
	for keeps, sends := range map[time.Duration]int{
		time.Minute:                          1, // 10 s for an attempt and 40 s for a copy are left out of it, and the wait is longer than the rest
		50*time.Second + 20*time.Second + 1:  2,
		50*time.Second + 100*time.Second + 1: 6,
		time.Hour:                            100,
	} {
		t.Run(keeps.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := vendor(t, func(s *classify.Shape) { s.IdempotentFor = keeps })
				set, err := vendorPolicies(t, c, 100).With(policy.Table{Default: policy.Policy{MaxAttempts: 100, MaxElapsed: policy.None,
					Backoff: policy.Backoff{Initial: 20 * time.Second, Max: 20 * time.Second, Jitter: policy.JitterNone}}})
				require.NoError(t, err)
				k := &keeper{keeps: keeps, kept: map[string]*keptAnswer{}}
				for range 100 {
					k.trouble = append(k.trouble, "lose")
				}
				r, err := retry.New(retry.Config{Policies: set, Budget: retry.NoBudget()})
				require.NoError(t, err)
				_, err = under(t, c, k, func(tr *retryhttp.Transport) { tr.Retrier = r }).Do(keyed(t, "inv-7"))
				if sends < 100 {
					require.ErrorIs(t, err, retry.ErrDoubt)
					require.ErrorContains(t, errorOf(t, err), "retry: POST bank.example: it may have taken effect, and its idempotency key may have expired (kept for "+keeps.String()+"), so it is not sent again: ")
					require.ErrorContains(t, errorOf(t, err), "; action: look it up, or send it again with the same Idempotency-Key, which the API keeps for "+keeps.String()+" (")
				}
				require.Equal(t, classify.Unknown, errorOf(t, err).Effect)
				k.count(t, 1, sends)
			})
		})
	}
}

// A refusal after doubt speaks for its own send alone, but for a 409 that no code explains: the first send is under way.
// A first 409 is what the table makes of it.
func TestAnswersToAKey(t *testing.T) {
	lost := breaks(io.ErrUnexpectedEOF)
	done := says(200, "done")
	for name, tt := range map[string]struct {
		answers []func(*http.Request) (*http.Response, error)
		status  int
		effect  classify.Effect
		sends   int
	}{
		"a first 409":                    {ways(says(409, "")), 409, classify.Unknown, 1},
		"a 409 after doubt":              {ways(lost, says(409, ""), says(409, ""), done), 200, 0, 4},
		"its code is in the table":       {ways(says(409, `{"error":{"code":"in_progress"}}`), done), 200, 0, 2},
		"a code that is in no table":     {ways(lost, says(409, `{"error":{"code":"new"}}`), done), 200, 0, 3},
		"a refusal":                      {ways(says(402, declined)), 402, classify.NotApplied, 1},
		"a refusal after doubt":          {ways(lost, says(402, declined)), 402, classify.Unknown, 2},
		"a bare 401 after doubt":         {ways(lost, says(401, "")), 401, classify.Unknown, 2},
		"a wrong parameter after doubt":  {ways(lost, says(422, "")), 422, classify.Unknown, 2},
		"a 503 after doubt":              {ways(lost, says(503, ""), done), 200, 0, 3},
		"a bare 429":                     {ways(says(429, ""), done), 200, 0, 2},
		"a redirect after doubt":         {ways(lost, sends("/x", 303)), 303, classify.Unknown, 2},
		"no connection, then the answer": {ways(breaks(refusedConnection), done), 200, 0, 2},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := answers(tt.answers...)
				resp, err := under(t, vendor(t), s).Do(keyed(t, "inv-7"))
				require.NoError(t, err)
				require.Equal(t, tt.status, resp.StatusCode)
				require.NoError(t, resp.Body.Close())
				require.Len(t, s.seen, tt.sends)
				if tt.status == 200 {
					return
				}
				s = answers(tt.answers...)
				_, err = under(t, vendor(t), s, func(tr *retryhttp.Transport) { tr.AlwaysError = true }).Do(keyed(t, "inv-7"))
				require.Equal(t, tt.effect, errorOf(t, err).Effect)
				require.Equal(t, tt.status, retryhttp.Response(err).StatusCode)
			})
		})
	}
}

// What Sign makes another request of is not sent: a mistake in the program, told before the wire.
func TestSignChangesWhatIsKeyed(t *testing.T) {
	for name, sign := range map[string]func(*http.Request){
		"another key": func(r *http.Request) { r.Header.Set("Idempotency-Key", "x") },
		"no key":      func(r *http.Request) { r.Header.Del("Idempotency-Key") },
		"two keys":    func(r *http.Request) { r.Header.Add("Idempotency-Key", "x") },
		"another body": func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"amount":18}`))
		},
		"a longer body": func(r *http.Request) {
			r.Body = io.NopCloser(io.MultiReader(r.Body, strings.NewReader(" ")))
			r.ContentLength++
		},
		"no body":                    func(r *http.Request) { r.Body = nil },
		"a body that was read":       func(r *http.Request) { _, _ = io.ReadAll(r.Body) },
		"a body that cannot be read": func(r *http.Request) { r.Body = io.NopCloser(failing{io.ErrNoProgress}) },
	} {
		t.Run(name, func(t *testing.T) {
			for _, once := range []bool{false, true} {
				s := answers(says(200, `{"id":1}`))
				c := under(t, vendor(t), s, func(tr *retryhttp.Transport) {
					tr.Sign = func(r *http.Request) error { sign(r); return nil }
				})
				req := keyed(t, "inv-7")
				if once {
					req = retryhttp.Once(req, "inv-7", nil)
				}
				_, err := c.Do(req)
				e := errorOf(t, err)
				require.ErrorIs(t, e, retry.ErrFatal)
				require.Equal(t, classify.NotApplied, e.Effect)
				require.ErrorContains(t, e, "body")
				require.Empty(t, s.seen)
			}
		})
	}
}

// With nonces each send has one of its own; and as net/http would not see to that, the observer hears of the key.
func TestKeyAndNonces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
		require.NoError(t, err)
		warnings := 0
		var nonces []uint64
		k := &keeper{keeps: time.Hour, trouble: []string{"lose"}, kept: map[string]*keptAnswer{}}
		c := under(t, vendor(t), k, func(tr *retryhttp.Transport) {
			tr.Retrier = quick(t, retry.Config{Policies: vendorPolicies(t, vendor(t), 5), Nonces: lane, OnEvent: func(_ context.Context, e retry.Event) {
				if e.Kind == retry.EventWarning {
					warnings++
				}
			}})
			tr.Sign = func(r *http.Request) error {
				ticket, _ := nonce.FromContext(r.Context())
				nonces = append(nonces, ticket.Nonce())
				return nil
			}
		})
		resp, err := c.Do(keyed(t, "inv-7"))
		require.NoError(t, err)
		require.NoError(t, resp.Body.Close())
		k.count(t, 1, 2)
		require.Equal(t, 1, warnings)
		require.Less(t, nonces[0], nonces[1])
	})
}

// A payment whose ID is its key is one that the API keeps: it is sent again before anybody looks, with or without somebody
// who could.
func TestOnceWithItsIDAsKey(t *testing.T) {
	for name, tt := range map[string]struct {
		key   string
		looks bool
		sends int
	}{
		"its ID is its key": {"inv-7", true, 2}, "nobody can look": {"inv-7", false, 2}, "another key": {"7", false, 1}, "no key": {"", false, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := &keeper{keeps: 24 * time.Hour, trouble: []string{"lose"}, kept: map[string]*keptAnswer{}}
				var verify func(context.Context) (*http.Response, retry.Outcome, error)
				if tt.looks {
					verify = func(context.Context) (*http.Response, retry.Outcome, error) {
						t.Error("it is looked up")
						return nil, retry.Undecided, nil
					}
				}
				resp, err := under(t, vendor(t), k).Do(retryhttp.Once(keyed(t, tt.key), "inv-7", verify))
				k.count(t, 1, tt.sends)
				if tt.sends == 1 {
					require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
					return
				}
				require.NoError(t, err)
				require.Equal(t, `{"id":1}`, read(t, resp))
			})
		})
	}
}

// A body that can be read once is sent once, key or not, and may be signed as ever.
func TestKeyOfABodyThatCanBeReadOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, once := range []bool{false, true} {
			k := &keeper{keeps: 24 * time.Hour, trouble: []string{"lose"}, kept: map[string]*keptAnswer{}}
			req := keyed(t, "inv-7")
			req.GetBody = nil
			want := retry.ErrAttempts
			if once {
				req, want = retryhttp.Once(req, "inv-7", nil), retry.ErrOutcomeUnknown
			}
			_, err := under(t, vendor(t), k, func(tr *retryhttp.Transport) {
				tr.Sign = func(r *http.Request) error { r.Header.Set("X-Signature", "s"); return nil }
			}).Do(req)
			require.ErrorIs(t, err, want)
			k.count(t, 1, 1)
		}
	})
}
