package policy_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

func TestExplain(t *testing.T) {
	withTimeout := func(t *policy.Table) { t.AttemptTimeout = 10 * time.Second }
	own := func(table policy.Table, and ...func(*policy.Table)) *policy.Set {
		for _, change := range and {
			change(&table)
		}
		set, err := policy.New(table)
		require.NoError(t, err)
		return set
	}
	catalog, err := classify.NewCatalog("own", classify.Rule{Codes: "7", Name: "Busy", Class: classify.Retryable})
	require.NoError(t, err)
	seven := func(p policy.Policy) policy.Table {
		return policy.Table{Catalog: catalog, Codes: map[classify.Code]policy.Policy{"7": p}}
	}

	for _, tt := range []struct {
		name  string
		set   *policy.Set
		code  classify.Code
		sends int
		time  time.Duration
		says  string
	}{
		// 4 attempts of 10 s and three waits of up to 20 s are cut by 30 s in
		// all: the last attempt begins by then.
		{"-32603", policy.Nexpay(), "-32603", 4, 40 * time.Second, "retried after 200ms, 400ms, 800ms (each random, from zero to that)"},
		{"resync", policy.Nexpay(), "50", 3, 40 * time.Second, "newer nonce, at most twice in a call; or after the wait that Retry-After asks for, up to 20s\n"},
		{"fix", policy.Nexpay(), "30010", 2, 40 * time.Second, "then the corrected request is sent once; or after the wait that Retry-After asks for, up to 20s\n"},
		{"a code of a range", policy.Nexpay(), "31337", 2, 40 * time.Second, "then the corrected request is sent once"},
		{"resyncs that a server has wait", own(policy.Table{Catalog: classify.Nexpay(), Default: policy.Policy{MaxElapsed: policy.None}}, withTimeout), "50", 3, 74 * time.Second, "3 sends, 1m14s"},
		{"and without jitter", own(policy.Table{Catalog: classify.Nexpay(), Default: policy.Policy{MaxElapsed: policy.None, Backoff: policy.Backoff{Jitter: policy.JitterNone}}}, withTimeout), "50", 3, 70 * time.Second, "3 sends, 1m10s"},
		{"a wait that is longer than the call", own(policy.Table{Catalog: classify.Nexpay(), Default: policy.Policy{MaxRetryAfter: time.Minute}}, withTimeout), "50", 3, 40 * time.Second,
			"or after the wait that Retry-After asks for, if the next send begins within 30s of the start of the call\n"},
		{"any wait, but not any call", own(policy.Table{Catalog: classify.Nexpay(), Default: policy.Policy{MaxRetryAfter: policy.None}}, withTimeout), "50", 3, 40 * time.Second,
			"or after the wait that Retry-After asks for, if the next send begins within 30s of the start of the call\n"},
		{"resyncs as long as the server likes", own(policy.Table{Catalog: classify.Nexpay(), Default: policy.Policy{MaxElapsed: policy.None, MaxRetryAfter: policy.None}}, withTimeout), "50", 3, policy.None, "or after the wait that Retry-After asks for\n"},
		{"fixes have no waits of their own", own(policy.Table{Catalog: classify.Nexpay(), Default: policy.Policy{MaxRetryAfter: 1}}, withTimeout), "30010", 2, 20*time.Second + 1, "2 sends, 20"},
		{"fatal", policy.Nexpay(), "70", 1, 10 * time.Second, "the call ends\n"},
		{"lockout", policy.Nexpay(), "100", 1, 10 * time.Second, "until a person unlocks it"},
		{"suspended", policy.Nexpay(), "140", 1, 10 * time.Second, "opens at once"},
		{"unknown", policy.Nexpay(), "4711", 1, 10 * time.Second, "no rule for this code"},
		{"without a catalog", policy.Standard(), "50", 1, 0, "no rule for this code"},
		{"no timeout: the attempts' own time comes on top", own(seven(policy.Policy{MaxRetryAfter: time.Millisecond})), "7", 4, 1400 * time.Millisecond,
			"4 sends, 1.4s plus the time the sends take"},
		{"without end but in time", own(seven(policy.Policy{MaxAttempts: policy.None})), "7", policy.None, 30 * time.Second,
			"sends until the time is up, 30s plus"},
		{"Retry-After without limit", own(seven(policy.Policy{MaxRetryAfter: policy.None, MaxElapsed: policy.None})), "7", 4, policy.None,
			"4 sends, as long as the context allows"},
		{"many attempts", own(seven(policy.Policy{MaxAttempts: 99, MaxElapsed: policy.None, MaxRetryAfter: time.Millisecond,
			Backoff: policy.Backoff{Initial: time.Second, Max: 10 * time.Second, Jitter: policy.JitterNone}})), "7", 99, (1 + 2 + 4 + 8 + 94*10) * time.Second,
			"retried after 1s, 2s, 4s, 8s … up to 10s; or"},
		{"as much time as there is", own(seven(policy.Policy{MaxAttempts: policy.None, MaxElapsed: math.MaxInt64}), withTimeout), "7", policy.None, math.MaxInt64,
			"sends until the time is up, as long as the context allows"},
		{"as much time as there is, few sends", own(seven(policy.Policy{MaxElapsed: math.MaxInt64}), withTimeout), "7", 4, 106 * time.Second, "4 sends, 1m46s"},
		{"waits without end", own(seven(policy.Policy{MaxElapsed: policy.None, MaxRetryAfter: math.MaxInt64}), withTimeout), "7", 4, math.MaxInt64,
			"4 sends, as long as the context allows"},
		{"attempts without number", own(seven(policy.Policy{MaxAttempts: math.MaxInt, MaxElapsed: policy.None})), "7", math.MaxInt, math.MaxInt64,
			"as long as the context allows"},
		{"more attempts than waits differ", own(seven(policy.Policy{MaxAttempts: 2001, MaxElapsed: policy.None, MaxRetryAfter: time.Millisecond,
			Backoff: policy.Backoff{Initial: time.Second, Multiplier: 1}})), "7", 2001, 2000 * time.Second, "2001 sends, 33m20s plus"},
		{"one send", own(seven(policy.Policy{MaxAttempts: 1, MaxElapsed: policy.None, MaxRetryAfter: policy.None}), withTimeout), "7", 1, 10 * time.Second,
			"what happens  the call ends; it may succeed later\n"},
		{"one send, and no timeout", own(seven(policy.Policy{MaxAttempts: 1})), "7", 1, 0,
			"worst case    1 send, without a time limit: there is no attempt timeout\n"},
		{"two sends, and Retry-After without limit", own(seven(policy.Policy{MaxAttempts: 2, MaxElapsed: policy.None, MaxRetryAfter: policy.None}), withTimeout),
			"7", 2, policy.None, "retried after 200ms (each random, from zero to that); or after the wait that Retry-After asks for; each costs 10 tokens"},
		{"five sends", own(seven(policy.Policy{MaxAttempts: 5, Cost: 1, Backoff: policy.Backoff{Jitter: policy.JitterEqual}})), "7", 5, 30 * time.Second,
			"retried after 200ms, 400ms, 800ms, 1.6s (each random, between half of that and all of it); or after the wait that Retry-After asks for, up to 20s; each costs 1 token of"},
		{"six sends", own(seven(policy.Policy{MaxAttempts: 6, Backoff: policy.Backoff{Jitter: policy.JitterEqual}, MaxRetryAfter: 1})), "7", 6,
			6200 * time.Millisecond, "1.6s … up to 5s (each random, between half of that and all of it); or after the wait that Retry-After asks for, up to 1ns"},
		{"no wait", own(seven(policy.Policy{Backoff: policy.Backoff{Initial: policy.None}, MaxRetryAfter: 1, Cost: policy.None})), "7", 4, 3,
			"retried after no wait; or after the wait that Retry-After asks for, up to 1ns; a POST only with an idempotency key, or as a payment that is looked up first\n"},
		{"no resync", own(policy.Table{Catalog: classify.Nexpay(), Codes: map[classify.Code]policy.Policy{"50": {MaxAttempts: 1}}}), "50", 1, 0,
			"what happens  the call ends\n"},
		{"no code", policy.Nexpay(), "", 1, 10 * time.Second,
			"no code\n  what happens  the HTTP status decides, for the breaker too; without one the call is not retried\n"},
		{"a code that nobody knows", policy.Nexpay(), "4711", 1, 10 * time.Second, "4711: no rule for this code\n"},
		{"a sign of life", own(seven(policy.Policy{Breaker: policy.Success})), "7", 4, 30 * time.Second, "breaker       counts as a success\n"},
		{"ignored", own(seven(policy.Policy{Breaker: policy.Ignored})), "7", 4, 30 * time.Second, "breaker       ignores it\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e := tt.set.Explain(tt.code)
			require.Equal(t, tt.sends, e.MaxSends, "sends")
			require.Equal(t, tt.time, e.MaxTime, "time")
			require.Contains(t, e.String(), tt.says)
		})
	}
}

// Whoever is paged at night finds all of it for every code of the table.
func TestExplainIsCompleteForTheWholeTable(t *testing.T) {
	for _, rule := range classify.Nexpay().Rules() {
		code, _, _ := rule.Bounds()
		e := policy.Nexpay().Explain(code)
		require.True(t, e.Known)
		known, _ := classify.Nexpay().Lookup(code) // a single code wins over its range
		for _, heading := range []string{known.Name, "class", "what to do", "what happens", "breaker", "worst case", "source"} {
			require.Contains(t, e.String(), heading, "code %s", code)
		}
	}
}

// What became of an answer: the same code under another status may be another matter.
func TestExplainVerdict(t *testing.T) {
	set := policy.Nexpay()
	explain := func(status int, codes ...classify.Code) policy.Explanation {
		e := &classify.Error{Status: status}
		for _, code := range codes {
			e.Details = append(e.Details, classify.Detail{Code: code})
		}
		return set.ExplainVerdict(set.Catalog().Classify(e))
	}
	e := explain(429, "-32603")
	require.True(t, e.Known)
	require.Equal(t, 90*time.Second, e.Policy.MaxElapsed, "that of the status")
	require.Contains(t, e.String(), "-32603 Internal error, HTTP 429\n")

	e = explain(503)
	require.False(t, e.Known)
	require.Equal(t, "HTTP 503", e.Rule.Name)
	require.Equal(t, 4, e.MaxSends)
	require.Equal(t, 40*time.Second, e.MaxTime, "30 s and an attempt")
	require.Equal(t, `HTTP 503
  class         retryable; effect unknown
  what happens  retried after 200ms, 400ms, 800ms (each random, from zero to that); or after the wait that Retry-After asks for, up to 20s; each costs 10 tokens of the budget; a POST only with an idempotency key, or as a payment that is looked up first
  breaker       counts as a failure
  worst case    4 sends, 40s
`, e.String())

	e = explain(403, "777")
	require.Contains(t, e.String(), "777: no rule for this code, HTTP 403 decides\n  class         fatal; effect unknown\n")
	require.True(t, explain(403, "100").Rule.Lockout)
	require.Equal(t, set.Explain("50").String(), set.ExplainVerdict(classify.Verdict{Class: classify.Resync, Effect: classify.NotApplied, Code: "50"}).String())
}

// What is claimed of a code holds under some statuses, and of a payment, or a request
// that is not safe to repeat, less is believed (M3).
func TestExplainTellsWhatIsProved(t *testing.T) {
	set := policy.Nexpay()
	for _, tt := range []struct {
		status int
		code   classify.Code
		effect string
	}{
		{0, "10", "not applied (unknown under 408, 425, 429 or anything but a 4xx; for a payment or a POST, also under 409)"},
		{0, "-32603", "unknown"},
		{0, "50", "not applied (unknown under 408, 425, 429 or anything but a 4xx; for a payment or a POST, also under 409); unknown for a payment or a POST, unless NoReplay guarantees that it was not sent twice"},
		{403, "10", "not applied"},
		{400, "50", "not applied; unknown for a payment or a POST, unless NoReplay guarantees that it was not sent twice"},
		{409, "10", "not applied; unknown for a payment or a POST, because the conflict may be with an earlier copy"},
		{429, "10", "unknown"},
		{503, "10", "unknown"},
		{200, "10", "unknown"},
		{422, "4711", "unknown"},
		{422, "", "not applied; unknown for a payment or a POST, because a status alone is no proof"},
		{421, "", "not applied; unknown for a payment, because a status alone is no proof"},
		{409, "", "unknown"},
	} {
		e := set.Explain(tt.code)
		if tt.status != 0 {
			answer := &classify.Error{Status: tt.status}
			if tt.code != "" {
				answer.Details = []classify.Detail{{Code: tt.code}}
			}
			e = set.ExplainVerdict(set.Catalog().Classify(answer))
		}
		require.Contains(t, e.String(), "; effect "+tt.effect+"\n", "%s under %d", tt.code, tt.status)
	}
}

// What is retried for a GET is not always retried for a POST: see docs/http.md, "What is
// sent again".
func TestExplainSaysWhatHoldsForAPost(t *testing.T) {
	catalog, err := classify.NewCatalog("acme",
		classify.Rule{Codes: "busy", Name: "Busy", Class: classify.Retryable},
		classify.Rule{Codes: "later", Name: "Later", Class: classify.Retryable, Effect: classify.NotApplied},
		classify.Rule{Codes: "no", Name: "No", Class: classify.Fatal, Effect: classify.NotApplied})
	require.NoError(t, err)
	set, err := policy.Standard().With(policy.Table{Catalog: catalog})
	require.NoError(t, err)
	const key, proof = "; a POST only with an idempotency key, or as a payment that is looked up first\n", "; a POST only with proof or an idempotency key, or as a payment that is looked up first\n"
	for _, tt := range []struct {
		code   classify.Code
		status int
		want   string
	}{
		{"busy", 0, key},
		{"busy", 400, key},
		{"later", 0, proof},
		{"later", 400, ""},
		{"later", 409, proof},
		{"later", 429, key},
		{"later", 503, key},
		{"", 503, key},
		{"", 421, ""},
		{"no", 0, ""},
		{"no", 400, ""},
	} {
		text := set.Explain(tt.code).String()
		if tt.status != 0 {
			answer := &classify.Error{Status: tt.status}
			if tt.code != "" {
				answer.Details = []classify.Detail{{Code: tt.code}}
			}
			text = set.ExplainVerdict(catalog.Classify(answer)).String()
		}
		if tt.want == "" {
			require.NotContains(t, text, "a POST only", "%s %d", tt.code, tt.status)
			continue
		}
		require.Contains(t, text, tt.want, "%s %d", tt.code, tt.status)
	}
}
