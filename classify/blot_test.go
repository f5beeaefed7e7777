package classify_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// What an answer repeats of its request is not in the error: neither the values of secret
// headers, nor those of the query and the body. What the catalog knows stays.
func TestEchoesAreBlotted(t *testing.T) {
	own, err := classify.NewCatalog("ledger", classify.Rule{Codes: "amount_invalid", Name: "Amount", Class: classify.FixAndResend})
	require.NoError(t, err)
	const body = `{"iban":"DE89370400440532013000","amount_invalid":"amount_invalid"}`
	req, err := http.NewRequest(http.MethodPost, "http://ada:lovelace-1815@127.0.0.1/transfers?apikey=QUERYSECRET99", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Authorization", "Bearer HEADERSECRET99")
	answer := func(status int) *http.Response {
		return &http.Response{
			StatusCode: status, Request: req, Header: http.Header{},
			Body: io.NopCloser(strings.NewReader(`{"errors":[{"code":"amount_invalid","message":"QUERYSECRET99, headersecret99 and lovelace-1815 for DE89370400440532013000: too low"}],"traceId":"HEADERSECRET99"}`)),
		}
	}
	for name, read := range map[string]func(*http.Response) error{
		"FromResponse": func(resp *http.Response) error { return own.FromResponse(resp) },
		"ReadJSON":     func(resp *http.Response) error { return own.ReadJSON(resp, nil) },
	} {
		for _, status := range []int{400, 200} {
			err := read(answer(status))
			if name == "FromResponse" && status == 200 {
				require.NoError(t, err)
				continue
			}
			e, ok := errors.AsType[*classify.Error](err)
			require.True(t, ok)
			require.Equal(t, []classify.Detail{{Code: "amount_invalid", Message: "[…], […] and […] for […]: too low"}}, e.Details, name)
			require.Equal(t, "[…]", e.TraceID)
		}
	}
	require.ErrorContains(t, classify.FromResponse(answer(400)), "[…] and […] for […]: too low")

	// A request without anything to repeat, whose body is gone, or none: nothing is lost.
	for _, spoil := range []func(){
		func() { req.GetBody = func() (io.ReadCloser, error) { return nil, errors.New("gone") } },
		func() { req.GetBody = func() (io.ReadCloser, error) { return nil, nil } },
		func() { req = &http.Request{} },
		func() { req = nil },
	} {
		spoil()
		require.ErrorContains(t, own.FromResponse(answer(400)), "too low")
	}
	var none *classify.Catalog
	require.ErrorContains(t, none.FromResponse(answer(400)), "lovelace-1815")
}
