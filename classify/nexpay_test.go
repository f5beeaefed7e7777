package classify_test

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// What the vendor documents, in the vendor's order: an answer as it comes over the
// wire, and what it asks for.
func TestNexpayTable(t *testing.T) {
	const (
		fatal = classify.Fatal
		fix   = classify.FixAndResend
		retry = classify.Retryable
	)
	for _, tt := range []struct {
		code, status int
		message      string
		class        classify.Class
		lockout      bool
	}{
		{10, 403, "Missing API key", fatal, false},
		{20, 403, "Missing nonce", fatal, false},
		{30, 403, "Missing signature", fatal, false},
		{40, 403, "Invalid API key", fatal, true},
		{50, 403, "Nonce is not monotonous", classify.Resync, false},
		{60, 403, "Nonce is not valid", fatal, false},
		{70, 403, "Wrong signature", fatal, false},
		{80, 403, "No permissions", fatal, false},
		{90, 403, "API key is not enabled", fatal, true},
		{100, 403, "API key locked", fatal, true},
		{110, 403, "Invalid client state", fatal, true},
		{120, 403, "Invalid API key state", fatal, true},
		{121, 403, "Deprecated API key", fatal, true},
		{130, 403, "Trading suspended", retry, false},
		{140, 403, "REST API suspended", retry, false},
		{200, 400, "Mandatory parameter missing", fix, false},
		{20000, 400, "Payment identifier missing", fix, false},
		{20001, 400, "Payment request refused", fix, false},
		{20010, 400, "Both payment identifiers given", fix, false},
		{20120, 400, "Bad rescheduling time", fix, false},
		{29999, 400, "Payment request refused", fix, false},
		{30000, 400, "Request error", fix, false},
		{30010, 400, "Invalid request parameter", fix, false},
		{30240, 400, "Invalid cryptocurrency address", fix, false},
		{39999, 400, "Request refused", fix, false},
		{-32700, 400, "Parse error", fix, false},
		{-32600, 400, "Invalid Request", fix, false},
		{-32601, 400, "Method not found", fix, false},
		{-32602, 400, "Invalid params", fix, false},
	} {
		t.Run(fmt.Sprint(tt.code), func(t *testing.T) {
			body := fmt.Sprintf(`{"errors":[{"code":%d,"message":"%s"}],"traceId":"t"}`, tt.code, tt.message)
			want := classify.Verdict{
				Class: tt.class, Effect: classify.NotApplied, Code: classify.Code(strconv.Itoa(tt.code)),
				Status: tt.status, Lockout: tt.lockout, Rule: tt.message,
			}
			require.Equal(t, want, classify.Nexpay().Classify(classify.Decode(tt.status, nil, []byte(body))))

			// The same code in a 500 proves nothing any more.
			want.Status, want.Effect = 500, classify.Unknown
			require.Equal(t, want, classify.Nexpay().Classify(classify.Decode(500, nil, []byte(body))))
		})
	}

	v := classify.Nexpay().Classify(classify.Decode(500, nil, []byte(`{"errors":[{"code":-32603,"message":"Internal error"}]}`)))
	require.Equal(t, classify.Verdict{Class: retry, Code: "-32603", Status: 500, Rule: "Internal error"}, v)
}

func TestNexpayKnowsNoOtherCode(t *testing.T) {
	for _, code := range []classify.Code{"", "1", "51", "122", "199", "201", "19999", "40000", "-32604", "-32000"} {
		_, ok := classify.Nexpay().Lookup(code)
		require.False(t, ok, "code %d", code)
	}
}

func TestEveryRuleIsExplained(t *testing.T) {
	for _, c := range []*classify.Catalog{classify.Nexpay(), classify.JSONRPC()} {
		for _, r := range c.Rules() {
			require.NotEmpty(t, r.Source, r.Name)
			require.Regexp(t, `^[A-Z].*\.$`, r.Fix, r.Name)
		}
	}
	require.Len(t, classify.Nexpay().Rules(), 29)
	require.Equal(t, "Nexpay", classify.Nexpay().Name())
}

func TestJSONRPC(t *testing.T) {
	for code, class := range map[classify.Code]classify.Class{
		"-32700": classify.FixAndResend, "-32600": classify.FixAndResend, "-32601": classify.FixAndResend,
		"-32602": classify.FixAndResend, "-32603": classify.Retryable,
	} {
		r, ok := classify.JSONRPC().Lookup(code)
		require.True(t, ok)
		require.Equal(t, class, r.Class)
	}
	for n := -32099; n <= -32000; n++ {
		_, ok := classify.JSONRPC().Lookup(classify.Code(strconv.Itoa(n)))
		require.False(t, ok, "code %d is each server's own", n)
	}
}

// The table reads the answers that the specification describes.
func TestJSONRPCAnswers(t *testing.T) {
	for body, want := range map[string]string{
		`{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found","data":"secret"},"id":1}`:         "fix-and-resend, effect unknown: Method not found (code -32601, HTTP 200)",
		`[{"jsonrpc":"2.0","result":7,"id":1},{"jsonrpc":"2.0","error":{"code":-32603,"message":"No"},"id":2}]`: "retryable, effect unknown: Internal error (code -32603, HTTP 200)",
	} {
		err := classify.JSONRPC().ReadJSON(&http.Response{StatusCode: 200, ProtoMajor: 1, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}, nil)
		require.Equal(t, want, classify.JSONRPC().Classify(err).String(), body)
		require.NotContains(t, err.Error(), "secret")
	}
	body := `{"jsonrpc":"2.0","result":{"code":5},"id":1}`
	require.NoError(t, classify.JSONRPC().ReadJSON(&http.Response{StatusCode: 200, ProtoMajor: 1, ContentLength: int64(len(body)), Body: io.NopCloser(strings.NewReader(body))}, nil))
}
