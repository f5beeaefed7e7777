package classify_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/nexpay-go/resilience/classify"
)

// answering is a server that gives one answer only.
func answering(status int, body string) *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
}

func ExampleCatalog_Classify() {
	c := classify.Nexpay()
	nonce := classify.Decode(403, nil, []byte(`{"errors":[{"code":50,"message":"Nonce is not monotonous"}]}`))
	locked := classify.Decode(403, nil, []byte(`{"errors":[{"code":100,"message":"API key locked"}]}`))
	fmt.Println(c.Classify(nonce))
	fmt.Println(c.Classify(fmt.Errorf("while paying: %w", locked)))
	fmt.Println(c.Classify(io.ErrUnexpectedEOF))
	// Output:
	// resync, not applied: Nonce is not monotonous (code 50, HTTP 403)
	// fatal, not applied: API key locked (code 100, HTTP 403, locks the key out)
	// retryable, effect unknown: connection failed
}

// rpcError stands for the error of any client that has an ErrorCode method, such as
// rpc.Error of go-ethereum.
type rpcError struct{ code int }

func (e rpcError) Error() string  { return fmt.Sprint("rpc error ", e.code) }
func (e rpcError) ErrorCode() int { return e.code }

func ExampleCatalog_Classify_errorCode() {
	err := fmt.Errorf("calling: %w", rpcError{-32602})
	fmt.Println(classify.JSONRPC().Classify(err))
	// Output: fix-and-resend, not applied: Invalid params (code -32602)
}

func ExampleNewCatalog() {
	c, err := classify.NewCatalog("Acme",
		classify.Rule{Codes: "7", Name: "Busy", Class: classify.Retryable, Effect: classify.NotApplied},
		classify.Rule{Codes: "1000..1999", Name: "Bad field", Class: classify.FixAndResend, Effect: classify.NotApplied},
		classify.Rule{Codes: "1666", Name: "Key revoked", Class: classify.Fatal, Effect: classify.NotApplied, Lockout: true},
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Classify(rpcError{1500}))
	fmt.Println(c.Classify(rpcError{1666}))

	_, err = classify.NewCatalog("Acme",
		classify.Rule{Codes: "1..5", Name: "Low", Class: classify.Fatal},
		classify.Rule{Codes: "5..9", Name: "High", Class: classify.Fatal},
		classify.Rule{Codes: "20", Name: "Odd"},
	)
	fmt.Println(err)
	// Output:
	// fix-and-resend, not applied: Bad field (code 1500)
	// fatal, not applied: Key revoked (code 1666, locks the key out)
	// catalog "Acme": rule "Odd" (code 20): no class
	// rule "High" (codes 5 to 9) overlaps rule "Low" (codes 1 to 5)
}

func ExampleCatalog_With() {
	c, err := classify.Nexpay().With(classify.Rule{
		Codes: "30500", Name: "Daily limit reached", Class: classify.Fatal, Effect: classify.NotApplied,
		Fix: "Wait for the next day.",
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, _ := c.Lookup("30500")
	fmt.Println(r.Name, "-", r.Fix)
	r, _ = c.Lookup("30501")
	fmt.Println(r.Name)
	// Output:
	// Daily limit reached - Wait for the next day.
	// Request refused
}

func ExampleCatalog_Lookup() {
	r, ok := classify.Nexpay().Lookup("121")
	fmt.Println(ok, r.Name, "-", r.Fix)
	// Output: true Deprecated API key - Regenerate the API key and configure the new one.
}

func ExampleNexpay() {
	for _, r := range classify.Nexpay().Rules() {
		if r.Lockout {
			fmt.Println(r.Codes, r.Name)
		}
	}
	// Output:
	// 40 Invalid API key
	// 90 API key is not enabled
	// 100 API key locked
	// 110 Invalid client state
	// 120 Invalid API key state
	// 121 Deprecated API key
}

func ExampleJSONRPC() {
	c, err := classify.JSONRPC().With(classify.Rule{
		Codes: "-32005", Name: "Limit exceeded", Class: classify.Retryable, Effect: classify.NotApplied,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(c.Classify(rpcError{-32601}))
	fmt.Println(c.Classify(rpcError{-32005}))
	fmt.Println(c.Classify(rpcError{-32000}))
	// Output:
	// fix-and-resend, not applied: Method not found (code -32601)
	// retryable, not applied: Limit exceeded (code -32005)
	// unclassified, effect unknown (code -32000)
}

func ExampleFromResponse() {
	s := answering(400, `{"errors":[{"code":30010,"message":"Invalid request parameter"}],"traceId":"5f2c"}`)
	defer s.Close()
	resp, err := http.Get(s.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	err = classify.FromResponse(resp)
	fmt.Println(err)
	if e, ok := errors.AsType[*classify.Error](err); ok {
		fmt.Println(e.Details[0].Code, e.TraceID, e.Complete())
	}
	// Output:
	// HTTP 400: 30010 Invalid request parameter (trace 5f2c)
	// 30010 5f2c true
}

func ExampleReadJSON() {
	for _, body := range []string{`{"status":"PENDING"}`, `{"errors":[{"code":100,"message":"API key locked"}]}`, `<html>`} {
		s := answering(200, body)
		resp, err := http.Get(s.URL)
		if err != nil {
			fmt.Println(err)
			return
		}
		var payment struct{ Status string }
		if err := classify.ReadJSON(resp, &payment); err != nil {
			fmt.Println(err, "->", classify.Nexpay().Classify(err).Class)
		} else {
			fmt.Println(payment.Status)
		}
		s.Close()
	}
	// Output:
	// PENDING
	// HTTP 200: 100 API key locked -> fatal
	// HTTP 200: unreadable answer: not JSON, at offset 1 -> fatal
}

func ExampleDecode() {
	e := classify.Decode(429, http.Header{"Retry-After": {"7"}}, nil)
	fmt.Println(classify.Nexpay().Classify(e))
	// Output: retryable, effect unknown: HTTP 429 (retry after 7s)
}

func ExampleUndecodable() {
	err := classify.Undecodable(errors.New("no paymentId in " + strings.Repeat("…", 3)))
	fmt.Println(err)
	fmt.Println(classify.Nexpay().Classify(err))
	// Output:
	// unreadable answer: *errors.errorString
	// retryable, effect unknown: unreadable answer
}

func ExampleFunc() {
	maintenance := errors.New("maintenance")
	c := classify.Func(func(err error) classify.Verdict {
		if errors.Is(err, maintenance) {
			return classify.Verdict{Class: classify.Retryable, Effect: classify.NotApplied, Rule: "maintenance"}
		}
		return classify.Nexpay().Classify(err)
	})
	fmt.Println(c.Classify(maintenance))
	// Output: retryable, not applied: maintenance
}
