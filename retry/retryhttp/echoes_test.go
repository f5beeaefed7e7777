package retryhttp_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// What a server knows of a request it knows as it was sent, and decoded.
func TestEchoes(t *testing.T) {
	const secret = "canary-4711/0815"
	form := "amount=5&signature=" + secret
	for name, tt := range map[string]struct {
		body io.Reader
		make func(*http.Request)
		sign func(*http.Request) error
		says string
	}{
		"the password of the Basic scheme": {make: func(r *http.Request) { r.SetBasicAuth("me", secret) }},
		"its user, as a key":               {make: func(r *http.Request) { r.SetBasicAuth(secret, "") }},
		"that of the URL": {make: func(r *http.Request) {
			r.URL.User = nil
			r.URL, _ = r.URL.Parse("https://canary-4711%2F0815@bank.example/")
		}},
		"JSON with an escape":          {body: strings.NewReader(`{"password":"canary-4711\u002f0815"}`)},
		"JSON with blanks":             {body: strings.NewReader(`{"iban":"DE89 3704 0044 0532 0130 00"}`), says: "DE89370400440532013000"},
		"a body that can be read once": {body: io.MultiReader(strings.NewReader(form))},
		"and is signed":                {body: io.MultiReader(strings.NewReader(form)), sign: func(r *http.Request) error { r.Header.Set("X-Signature", "x"); return nil }},
		"a body that Sign has changed": {body: strings.NewReader("amount=5"), sign: func(r *http.Request) error {
			r.Body, r.ContentLength = io.NopCloser(strings.NewReader(form)), int64(len(form))
			return nil
		}},
		"a body that Sign has changed, of a type that cannot be compared": {body: strings.NewReader("amount=5"), sign: func(r *http.Request) error {
			r.Body, r.ContentLength = uncomparable{strings.NewReader(form), nil}, int64(len(form))
			return nil
		}},
	} {
		t.Run(name, func(t *testing.T) {
			said := secret
			if tt.says != "" {
				said = tt.says
			}
			quoted, err := json.Marshal("Wrong signature for " + said)
			require.NoError(t, err)
			tr := &retryhttp.Transport{
				Base:    answers(says(403, fmt.Sprintf(`{"errors":[{"code":7,"message":%s}]}`, quoted))),
				Retrier: quick(t, retry.Config{}), AlwaysError: true, Sign: tt.sign,
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://bank.example/pay", tt.body)
			require.NoError(t, err)
			if tt.make != nil {
				tt.make(req)
			}
			_, err = tr.RoundTrip(req)
			answer, ok := errors.AsType[*classify.Error](err)
			require.True(t, ok, "%v", err)
			require.Equal(t, "Wrong signature for […]", answer.Details[0].Message)
		})
	}
}

// uncomparable is a body of a type that cannot be compared.
type uncomparable struct {
	io.Reader
	_ []int
}

func (uncomparable) Close() error { return nil }
