package retryhttp_test

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// One host is one breaker, however it is written.
func TestOneHostIsOneBreaker(t *testing.T) {
	for want, urls := range map[string][]string{
		"bank.example": {
			"https://bank.example/", "https://BANK.example/", "https://bank.example:443/a?b", "https://Bank.Example.:443",
			"http://bank.example:80", "https://bank.example.", "https://bank.example:", "https://bank.example:0443", "https://u:p@bank.example",
		},
		"bank.example:8443": {"https://bank.example:8443", "https://bank.EXAMPLE.:8443", "http://bank.example:08443"},
		"bank.example:80":   {"https://bank.example:80"},
		"[2001:db8::1]":     {"https://[2001:db8::1]", "https://[2001:DB8:0:0:0:0:0:1]:443"},
		"[::1]:8443":        {"https://[::1]:8443", "https://[0:0::1]:8443"},
		"[fe80::1%eth0]":    {"https://[fe80::1%25eth0]"},
		"127.0.0.1:8080":    {"http://127.0.0.1:8080", "http://127.0.0.1.:8080"},
		"bücher.example":    {"https://bücher.example", "https://BÜCHER.example"},
	} {
		group := newGroup(t)
		s := answers(says(200, "fine"))
		c := client(t, s, func(tr *retryhttp.Transport) { tr.Retrier = quick(t, retry.Config{Breakers: group}) })
		for _, u := range urls {
			resp, err := c.Get(u)
			require.NoError(t, err)
			read(t, resp)
			require.Equal(t, []string{want}, slices.Collect(maps.Keys(maps.Collect(group.All()))), u)
		}
		require.Len(t, s.seen, len(urls))
	}
}

// A host that is down is left alone, whatever name it is called by next.
func TestHostByManyNames(t *testing.T) {
	group, err := breaker.NewGroup(breaker.Config{ConsecutiveFailures: 3}, 0)
	require.NoError(t, err)
	once, err := policy.New(policy.Table{Default: policy.Policy{MaxAttempts: 1}})
	require.NoError(t, err)
	s := answers(says(503, "sorry"))
	c := client(t, s, func(tr *retryhttp.Transport) {
		tr.Retrier = quick(t, retry.Config{Breakers: group, Policies: once})
	})
	for i := range 64 {
		letters := []byte("down.example")
		for j := range 6 {
			if i>>j&1 == 1 {
				letters[5+j] = strings.ToUpper(string(letters[5+j]))[0]
			}
		}
		if resp, err := c.Get("http://" + string(letters)); err == nil {
			read(t, resp)
		}
	}
	require.Len(t, s.seen, 3)
}

// An Endpoint of the user's own is taken at its word.
func TestEndpointOfOnesOwn(t *testing.T) {
	group := newGroup(t)
	c := client(t, answers(says(200, "fine")), func(tr *retryhttp.Transport) {
		tr.Retrier = quick(t, retry.Config{Breakers: group})
		tr.Endpoint = func(req *http.Request) string { return "A:" + req.URL.Host }
	})
	resp, err := c.Get("https://Bank.example:443")
	require.NoError(t, err)
	read(t, resp)
	require.Equal(t, []string{"A:Bank.example:443"}, slices.Collect(maps.Keys(maps.Collect(group.All()))))
}

// Whatever a URL has for a host, the name of its breaker is a host of that very
// breaker.
func FuzzHost(f *testing.F) {
	for _, u := range []string{"https://bank.example", "http://[::1%25a]:0080", "https://A..:1", "https://[::ffff:1.2.3.4]:443", "https://%41.example"} {
		f.Add(u)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		u, err := url.Parse(raw)
		unfit := func(c rune) bool { return c == utf8.RuneError || !unicode.IsPrint(c) }
		if err != nil || len(u.Host) > 200 || strings.ContainsFunc(u.Host, unfit) {
			return
		}
		group := newGroup(t)
		tr := &retryhttp.Transport{Base: answers(says(200, "fine")), Retrier: quick(t, retry.Config{Breakers: group})}
		for range 2 {
			resp, err := tr.RoundTrip(&http.Request{Method: "GET", URL: u, Header: http.Header{}})
			if err != nil {
				return // no URL that can be sent to
			}
			read(t, resp)
			names := slices.Collect(maps.Keys(maps.Collect(group.All())))
			require.Len(t, names, 1)
			u = &url.URL{Scheme: u.Scheme, Host: names[0]}
		}
	})
}
