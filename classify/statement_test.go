package classify_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// pay reads an answer as that to a payment, whose Send it is in.
func pay(t *testing.T, resp *http.Response, v any) error {
	t.Helper()
	r, err := retry.New(retry.Config{Policies: policy.Nexpay()})
	require.NoError(t, err)
	var read error
	_, _ = retry.DoOnce(t.Context(), r, retry.Operation[int]{ID: "inv-7", Send: func(ctx context.Context) (int, error) {
		resp.Request = (&http.Request{}).WithContext(ctx)
		read = classify.ReadJSON(resp, v)
		return 0, nil
	}})
	return read
}

// What says nothing about a payment is a success elsewhere.
func TestAPaymentsAnswerHasToSayThatItHappened(t *testing.T) {
	for text, want := range map[string]string{
		`{"paymentId":"7"}`: "", `[{"paymentId":"7"}]`: "", `"ok"`: "", `17`: "", `true`: "", `{}`: "", ``: "", " ": "",
		`{"error":null,"id":7}`: "", `{"error":[]}`: "", `{"error":false}`: "", `{"error":""}`: "", `{"error":{}}`: "", `{"error":0}`: "",
		`{"Error":"x"}`: "", `{"a":{"error":"x"}}`: "",

		`null`: "it does not confirm the operation", ` [ ] `: "it does not confirm the operation",
		`false`: "it does not confirm the operation", `""`: "it does not confirm the operation", `0`: "it does not confirm the operation",
		`{"error":["EAPI:Invalid nonce"]}`: `it has a member "error"`, `{"error":{"code":7}}`: `it has a member "error"`,
		`{"error":"secret"}`: `it has a member "error"`, `{"error":true}`: `it has a member "error"`,
		`{"error":null,"\u0065rror":"x"}`: `it has a member "error"`,
	} {
		t.Run(text, func(t *testing.T) {
			require.NoError(t, classify.ReadJSON(response(200, text), nil))
			err := pay(t, response(200, text), nil)
			if want == "" {
				require.NoError(t, err)
				return
			}
			require.EqualError(t, err, "HTTP 200: unreadable answer: "+want)
			require.Equal(t, classify.Verdict{Class: classify.Fatal, Status: 200, Rule: "unreadable answer"}, classify.Nexpay().Classify(err))
		})
	}
	var answer struct{ PaymentID string }
	require.Error(t, pay(t, response(200, `null`), &answer), "json.Unmarshal leaves that as it is")
}

// Of an answer that ends with its connection nobody can tell whether that was all.
func TestAnAnswerWhoseEndNobodyAnnounced(t *testing.T) {
	for head, announced := range map[string]bool{
		"HTTP/1.1 200 OK\r\n\r\n{}":                                                 false,
		"HTTP/1.0 200 OK\r\n\r\n{}":                                                 false,
		"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}":                            false,
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}":                            true,
		"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}":                            true,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n": true,
	} {
		fetch := func() *http.Response {
			l := listen(t, func(c net.Conn) {
				readRequest(c)
				fmt.Fprint(c, head)
			})
			resp, err := client(t, nil).Get("http://" + l)
			require.NoError(t, err)
			return resp
		}
		require.NoError(t, classify.ReadJSON(fetch(), new(any)), "%q", head)
		require.Equal(t, announced, pay(t, fetch(), new(any)) == nil, "%q", head)

		var number int // an object is none
		v := classify.Nexpay().Classify(classify.ReadJSON(fetch(), &number))
		require.Equal(t, announced, v.Class == classify.Fatal, "%q", head)
	}
}

func TestAnAnswerWithoutAValue(t *testing.T) {
	for _, status := range []int{200, 204, 205} {
		require.NoError(t, classify.ReadJSON(response(status, ""), nil))
		err := classify.ReadJSON(response(status, ""), new(any))
		require.EqualError(t, err, fmt.Sprintf("HTTP %d: answer without a value", status))
		require.Equal(t, classify.Verdict{Class: classify.Fatal, Status: status, Rule: "answer without a value"}, classify.Nexpay().Classify(err))
	}
	err := classify.Undecodable(errors.New("secret"))
	require.Equal(t, classify.Retryable, classify.Nexpay().Classify(err).Class, "of that nobody knows whether it is whole")
}
