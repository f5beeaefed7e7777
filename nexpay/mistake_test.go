package nexpay_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

var notSent = classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Rule: "not sent: mistake in the program"}

// What is found before anything is written is no doubt, and no repetition helps.
func TestMistakesAreNotSent(t *testing.T) {
	boom := errors.New("boom")
	post := func(ctx context.Context, c *nexpay.Client, body io.Reader, change func(*http.Request)) error {
		req, err := http.NewRequestWithContext(ctx, "POST", "https://bank.test/x", body)
		require.NoError(t, err)
		if change != nil {
			change(req)
		}
		return c.Do(req, nil)
	}
	for name, do := range map[string]func(context.Context, *nexpay.Client) error{
		"no ticket": func(_ context.Context, c *nexpay.Client) error { _, err := c.AccountStatus(t.Context()); return err },
		"no base URL": func(ctx context.Context, c *nexpay.Client) error {
			c.BaseURL = ""
			_, err := c.AccountStatus(ctx)
			return err
		},
		"two mistakes": func(ctx context.Context, c *nexpay.Client) error {
			c.BaseURL = "ftp://h"
			_, err := c.NewRequest(ctx, "GET", "x", nil)
			return err
		},
		"path": func(ctx context.Context, c *nexpay.Client) error {
			_, err := c.NewRequest(ctx, "GET", "/%zz", nil)
			return err
		},
		"method": func(ctx context.Context, c *nexpay.Client) error {
			_, err := c.NewRequest(ctx, "G T", "/x", nil)
			return err
		},
		"signer": func(ctx context.Context, c *nexpay.Client) error { c.Signer = nil; return post(ctx, c, nil, nil) },
		"no id": func(ctx context.Context, c *nexpay.Client) error {
			_, err := c.PaymentByExternalID(ctx, "")
			return err
		},
		"no URL": func(ctx context.Context, c *nexpay.Client) error {
			return post(ctx, c, nil, func(req *http.Request) { req.URL = nil })
		},
		"no form": func(ctx context.Context, c *nexpay.Client) error {
			return post(ctx, c, strings.NewReader("a=%zz"), nil)
		},
		"JSON": func(ctx context.Context, c *nexpay.Client) error {
			return post(ctx, c, strings.NewReader("{}"), func(req *http.Request) { req.Header.Set("Content-Type", "application/json") })
		},
		"body too long": func(ctx context.Context, c *nexpay.Client) error {
			return post(ctx, c, strings.NewReader(strings.Repeat("a", 1<<20+1)), nil)
		},
		"body breaks": func(ctx context.Context, c *nexpay.Client) error { return post(ctx, c, failing{boom}, nil) },
		"GetBody fails": func(ctx context.Context, c *nexpay.Client) error {
			return post(ctx, c, nil, func(req *http.Request) {
				req.Body, req.GetBody = &body{}, func() (io.ReadCloser, error) { return nil, boom }
			})
		},
		"GetBody fails at last": func(ctx context.Context, c *nexpay.Client) error {
			return post(ctx, c, nil, func(req *http.Request) {
				asked := 0
				req.Body, req.GetBody = &body{}, func() (io.ReadCloser, error) {
					if asked++; asked > 1 {
						return nil, boom
					}
					return io.NopCloser(strings.NewReader("a=1")), nil
				}
			})
		},
		"no payment secret": func(context.Context, *nexpay.Client) error {
			_, err := signer(t, nexpay.Credentials{Key: "k", Secret: "s"}).SignPayment(nil)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := client(t, roundTrip(func(*http.Request) (*http.Response, error) { t.Error("sent"); return nil, boom }))
			err := do(withNonce(t.Context(), 1), c)
			require.Error(t, err)
			require.Equal(t, notSent, classify.Nexpay().Classify(err), "%v", err)
		})
	}
}

// The same mistake says nothing where it comes back out of an exchange, or is
// about an answer.
func TestMistakesThatProveNothing(t *testing.T) {
	_, err := client(t, roundTrip(func(*http.Request) (*http.Response, error) { return nil, nexpay.ErrNoTicket })).
		AccountStatus(withNonce(t.Context(), 1))
	require.ErrorIs(t, err, nexpay.ErrNoTicket)
	v := classify.Nexpay().Classify(err)
	require.Equal(t, classify.Unknown, v.Effect)
	require.Equal(t, classify.Retryable, v.Class)

	_, err = nexpay.ParseForm("%zz")
	require.Zero(t, classify.Nexpay().Classify(err), "nobody knows what was being read")
	require.Zero(t, classify.Nexpay().Classify(new(nexpay.PaymentStatus).UnmarshalJSON([]byte("{}"))))
}

// What the caller's own reader says is not fit for a log.
func TestBodyErrorIsSafe(t *testing.T) {
	req, err := http.NewRequestWithContext(withNonce(t.Context(), 1), "POST", "https://h/x", failing{errors.New("secret")})
	require.NoError(t, err)
	err = signer(t, golden).Sign(req)
	require.EqualError(t, err, "nexpay: the request body cannot be read: secret")
	safe, ok := err.(interface{ SafeError() string })
	require.True(t, ok)
	require.Equal(t, "nexpay: the request body cannot be read", safe.SafeError())
}
