package nexpaytest_test

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

var someKey = nexpaytest.Key{ID: "k", Secret: "s"}

func bank(t testing.TB, c nexpaytest.Config) *nexpaytest.Bank {
	t.Helper()
	if c.Keys == nil {
		c.Keys = []nexpaytest.Key{someKey}
	}
	b, err := nexpaytest.New(c)
	require.NoError(t, err)
	return b
}

func TestNewReportsEverything(t *testing.T) {
	_, err := nexpaytest.New(nexpaytest.Config{
		Keys:           []nexpaytest.Key{{ID: "a", Secret: "s"}, {ID: "a", Secret: " "}, {ID: "b", Secret: "s", State: 7}},
		UnknownPayment: nexpaytest.Fault{Status: 42, HTML: true, Body: []byte("x"), DelayBefore: -1, RetryAfter: "\n", Data: "d"},
	})
	for _, want := range []string{
		"Keys[1]: nexpay: Credentials.Secret begins", "Keys[1]: an earlier one", "Keys[2]: nexpaytest: 7 is not", "Status 42",
		"more than one of Code", "no Code", "negative", "RetryAfter",
	} {
		require.ErrorContains(t, err, want)
	}
	_, err = nexpaytest.New(nexpaytest.Config{})
	require.ErrorContains(t, err, "Keys is empty")
}

// Each row spoils everything that later checks look at, so that it shows which
// check comes first.
func TestChecksInOrder(t *testing.T) {
	key := nexpaytest.Key{ID: "k", Secret: "s", LastNonce: 100, Forbidden: []string{"/api/1/eurowallet/st"}, State: nexpaytest.Locked}
	for _, tt := range []struct {
		name    string
		change  func(http.Header)
		setup   func(*nexpaytest.Bank)
		forbid  bool
		code    classify.Code
		message string
	}{
		{"no key", func(h http.Header) { h.Del("X-API-KEY"); h.Del("X-NONCE"); h.Del("X-Signature") }, nil, true, "10", "Missing API key"},
		{"no nonce", func(h http.Header) { h.Set("X-API-KEY", "other"); h.Set("X-NONCE", ""); h.Del("X-Signature") }, nil, true, "20", "Missing nonce"},
		{"no signature", func(h http.Header) { h.Set("X-API-KEY", "other"); h.Set("X-NONCE", "x"); h.Del("X-Signature") }, nil, true, "30", "Missing signature"},
		{"unknown key", func(h http.Header) { h.Set("X-API-KEY", "other"); h.Set("X-NONCE", "x") }, nil, true, "40", "Invalid API key"},
		{"nonce no number", func(h http.Header) { h.Set("X-NONCE", "x"); h.Set("X-Signature", "x") }, nil, true, "60", "Nonce is not valid"},
		{"nonce negative", func(h http.Header) { h.Set("X-NONCE", "-200") }, nil, true, "60", "Nonce is not valid"},
		{"nonce with sign", func(h http.Header) { h.Set("X-NONCE", "+200") }, nil, true, "60", "Nonce is not valid"},
		{"nonce with fraction", func(h http.Header) { h.Set("X-NONCE", "200.0") }, nil, true, "60", "Nonce is not valid"},
		{"nonce 2^53-2", func(h http.Header) { h.Set("X-NONCE", "9007199254740990") }, nil, true, "60", "Nonce is not valid"},
		{"nonce of nanoseconds", func(h http.Header) { h.Set("X-NONCE", "1700000000000000000") }, nil, true, "60", "Nonce is not valid"},
		{"nonce beyond uint64", func(h http.Header) { h.Set("X-NONCE", "99999999999999999999999") }, nil, true, "60", "Nonce is not valid"},
		{"nonce equal", func(h http.Header) { h.Set("X-NONCE", "100"); h.Set("X-Signature", "x") }, nil, true, "50", "Nonce is not monotonous"},
		{"nonce zero", func(h http.Header) { h.Set("X-NONCE", "0") }, func(b *nexpaytest.Bank) { b.SetLastNonce("k", 0) }, true, "50", "Nonce is not monotonous"},
		{"wrong signature", func(h http.Header) { h.Set("X-Signature", strings.Repeat("0", 128)) }, nil, true, "70", "Wrong signature"},
		{"uppercase signature", func(h http.Header) { h.Set("X-Signature", strings.ToUpper(h.Get("X-Signature"))) }, nil, true, "70", "Wrong signature"},
		{"forbidden", func(http.Header) {}, nil, true, "80", "No permissions"},
		{"locked", func(http.Header) {}, nil, false, "100", "API key locked"},
		{"not enabled", func(http.Header) {}, func(b *nexpaytest.Bank) { b.SetState("k", nexpaytest.NotEnabled) }, false, "90", "API key is not enabled"},
		{"client state", func(http.Header) {}, func(b *nexpaytest.Bank) { b.SetState("k", nexpaytest.ClientState) }, false, "110", "Invalid client state"},
		{"deleted", func(http.Header) {}, func(b *nexpaytest.Bank) { b.SetState("k", nexpaytest.Deleted) }, false, "120", "Invalid API key state"},
		{"deprecated", func(http.Header) {}, func(b *nexpaytest.Bank) { b.SetState("k", nexpaytest.Deprecated) }, false, "121", "Deprecated API key"},
		{"enabled", func(http.Header) {}, func(b *nexpaytest.Bank) { b.SetState("k", nexpaytest.Enabled) }, false, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := key
			if !tt.forbid {
				k.Forbidden = []string{"/api/2/"}
			}
			b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{k}})
			if tt.setup != nil {
				tt.setup(b)
			}
			c := inProcess(t, b, k.Credentials())
			req, err := c.NewRequest(withNonce(t.Context(), 101), "GET", statusPath, nil)
			require.NoError(t, err)
			require.NoError(t, c.Signer.Sign(req))
			tt.change(req.Header)
			resp, err := b.RoundTripper().RoundTrip(req)
			require.NoError(t, err)
			err = classify.FromResponse(resp)
			got := last(b)
			require.Equal(t, tt.code, got.Code)
			require.Equal(t, tt.code, got.Refusal)
			if tt.code == "" {
				require.NoError(t, err)
				return
			}
			e, ok := errors.AsType[*classify.Error](err)
			require.True(t, ok)
			require.Equal(t, 403, e.Status)
			require.Equal(t, tt.message, e.Details[0].Message)
			require.Equal(t, got.TraceID, e.TraceID)
			require.True(t, e.Complete())
		})
	}
}

func TestWhenANonceIsUsedUp(t *testing.T) {
	for _, spend := range []bool{false, true} {
		b := bank(t, nexpaytest.Config{SpendRefused: spend})
		bad := inProcess(t, b, nexpay.Credentials{Key: "k", Secret: "wrong"})
		good := inProcess(t, b, someKey.Credentials())
		bad.n = 9
		c, _ := code(bad.call(t.Context(), "GET", statusPath, nil, nil))
		require.EqualValues(t, "70", c)
		good.n = 9
		c, _ = code(good.call(t.Context(), "GET", statusPath, nil, nil))
		if spend {
			require.EqualValues(t, "50", c)
			continue
		}
		require.EqualValues(t, "", c)
		good.n = 19 // a refusal after the signature uses it up in any case
		b.SetState("k", nexpaytest.Locked)
		c, _ = code(good.call(t.Context(), "GET", statusPath, nil, nil))
		require.EqualValues(t, "100", c)
		b.SetState("k", nexpaytest.Enabled)
		good.n = 19
		c, _ = code(good.call(t.Context(), "GET", statusPath, nil, nil))
		require.EqualValues(t, "50", c)
		good.n = 9 // an unknown path is nobody's business
		_, status := code(good.call(t.Context(), "GET", "/nowhere", nil, nil))
		require.Equal(t, 404, status)
	}
}

// Whatever order nonces come in, the bank takes exactly those that are above
// all it took before.
func TestNonceModel(t *testing.T) {
	check := func(rt require.TestingT, nonces []uint64) {
		b := bank(t, nexpaytest.Config{})
		c := inProcess(t, b, someKey.Credentials())
		var highest uint64
		for _, n := range nonces {
			c.n = n - 1
			got, _ := code(c.call(t.Context(), "GET", statusPath, nil, nil))
			if n > highest {
				highest = n
				require.EqualValues(rt, "", got)
			} else {
				require.EqualValues(rt, "50", got)
			}
		}
	}
	for name, nonces := range map[string][]uint64{"zero is never taken": {0, 0}, "one is the first": {1, 0, 1, 2}} {
		t.Run(name, func(t *testing.T) { check(t, nonces) })
	}
	rapid.Check(t, func(rt *rapid.T) {
		check(rt, rapid.SliceOfN(rapid.Uint64Range(0, 20), 1, 30).Draw(rt, "nonces"))
	})
}

// Under concurrency no nonce is taken twice.
func TestNonceConcurrently(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			c := inProcess(t, b, someKey.Credentials())
			for range 25 {
				_ = c.call(t.Context(), "GET", statusPath, nil, nil)
			}
		})
	}
	wg.Wait()
	taken := map[uint64]int{}
	for _, r := range b.Requests() {
		if r.Status == 200 {
			taken[r.Nonce]++
		}
	}
	for n, times := range taken {
		require.Equal(t, 1, times, n)
	}
	require.Len(t, b.Requests(), 200)
	require.Equal(t, 1, taken[25], "the highest is taken by whoever is first")
}

func TestTraceIDsAreSeededAndUnique(t *testing.T) {
	ids := func(seed uint64) (list []string) {
		b := bank(t, nexpaytest.Config{Seed: seed})
		c := inProcess(t, b, someKey.Credentials())
		for range 100 {
			_ = c.call(t.Context(), "GET", "/nowhere", nil, nil)
		}
		for _, r := range b.Requests() {
			list = append(list, r.TraceID)
		}
		return list
	}
	require.Equal(t, ids(7), ids(7))
	seen := map[string]bool{}
	for _, id := range append(ids(7), ids(8)...) {
		require.Len(t, id, 16)
		require.False(t, seen[id])
		seen[id] = true
	}
}

func TestStateNames(t *testing.T) {
	require.Equal(t, "locked", nexpaytest.Locked.String())
	require.Equal(t, "State(7)", nexpaytest.State(7).String())
	b := bank(t, nexpaytest.Config{})
	require.Panics(t, func() { b.SetState("k", 7) })
	require.Panics(t, func() { b.SetState("other", nexpaytest.Locked) })
	require.Panics(t, func() { b.SetLastNonce("other", 1) })
	require.NotPanics(t, func() { b.SetLastNonce("k", 1) }, "no lock is left behind")
}

func TestLogHoldsNoSecrets(t *testing.T) {
	b := bank(t, nexpaytest.Config{})
	c := inProcess(t, b, someKey.Credentials())
	_ = c.call(t.Context(), "GET", lookupPath, nexpay.Form{{Name: "externalPaymentId", Value: "zzz"}}, nil)
	req, err := c.NewRequest(withNonce(t.Context(), 5), "GET", statusPath, nil)
	require.NoError(t, err)
	req.Header.Set("X-API-KEY", strings.Repeat("y", 1000))
	_, err = b.RoundTripper().RoundTrip(req)
	require.NoError(t, err)
	all := b.Requests()
	require.Equal(t, lookupPath, all[0].Path)
	require.Equal(t, uint64(1), all[0].Nonce)
	require.Len(t, all[1].Key, 64)
	all[0].Key = "changed"
	require.Equal(t, "k", b.Requests()[0].Key, "a copy")
	require.NotContains(t, strconv.Quote(b.Requests()[0].Path), "zzz")
}
