package nexpaytest_test

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// Requests as other people's programs write them, byte by byte over TCP. Their
// signatures do not come from this module but from
//
//	printf %s "$TEXT" | openssl dgst -sha512 -hmac 's3cret-ключ'
//
// where TEXT is what stands above each.
const (
	// AK-1&1700000000000001/api/1/eurowallet/status
	sigStatus = "0d352c6d4a742d1b52527b40bbd227bd3758ca8916bcbd7ab764f1ce140425019f57240a9d241022d505849b7ec714aa9b2627889ba7d24ed2505371cd01a1f1"
	// AK-1&1700000000000002/api/1/eurowallet/payments/status?externalPaymentId=order-17
	sigLookup = "93ed262f6895d44006d2271081b86d1d3fe38b9a86da27561f57abc4c02fa0c46a8aba56887cd13a754c73b2ada9f750a27ed6b7400315262610ffd40b5ca156"
	// AK-1&1700000000000005/api/1/eurowallet/payments/status?externalPaymentId=order 17
	sigLookupPlain = "d549df8739799f969b0b08437db75ee2f9ad919419a0de43637d43e73fc5cf391bbd27c434d3aa80caa6408c457cb4b8779d1cbb1802c90d93354525ad181e08"
	// AK-1&1700000000000006/api/1/eurowallet/payments/status?externalPaymentId=order%2017
	sigLookupEncoded = "5422f96c8dc37b03bbfd178f59b067e2c4eb0d1b8ad0403c880bc5db320444aba1835fdf02df13eede9ad3337d0a722df7ee5e761fe8b5a9e44caf1dcbf131ac"
	// AK-1&1700000000000007/api/2/eurowallet/payments?externalPaymentId=c-1&amount=5&comment=two words
	sigPayment = "1e56253699e6d5233e3b6332954ee7eb326928a8ba532b58215e8543995709d774a646aae40b6da6005cfa40071c64f2a123ffcd0d2050ca0ec8b241411be431"
	// AK-1&1700000000000008/api/2/eurowallet/payments?externalPaymentId=c-1&amount=5&comment=two+words
	sigPaymentEncoded = "84cdd151a09cf4903bae6b5fff1ba3cf6aeaf4e7391981b843510167e060b1637c4f1682c589f28f09ed4b71c72bfed9425355f37e7b0dcbfbd40fa0b94fe319"
	// AK-1&1700000000000004/api/2/eurowallet/payments?requestTime=1700000000000&externalPaymentId=order-17&amount=10.50&currency=EUR&comment=rent for May & June=ok é+&transactionSignature=<the next>
	sigOrder = "b8a68671a579398e75bb96d49d6f0767563d2518e8f7dc376904edc243e08a93b01d0c6b45528c32ee7688fd8d54ad1bd18c10ac958ff9d173e1748a3d51b9b5"
	// with 'pay-s3cret': requestTime=1700000000000&externalPaymentId=order-17&amount=10.50&currency=EUR&comment=rent for May & June=ok é+
	sigOrderInner = "027b18a627e81caeb9e4c8d999929cb37b0baa0fd332abceca4cf6c0a79a144220253208f21f9ff8af21f51c9ddb4e732c66029cb1b83e9e9e9cc2c9d3a36521"
)

const formHeader = "Content-Type: application/x-www-form-urlencoded\r\n"

func auth(nonce, signature string) string {
	return "X-API-KEY: AK-1\r\nX-NONCE: " + nonce + "\r\nX-Signature: " + signature + "\r\n"
}

func sized(body string) string {
	return "Content-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body
}

func TestOtherPeoplesClients(t *testing.T) {
	const (
		plus    = "externalPaymentId=c-1&amount=5&comment=two+words"
		percent = "externalPaymentId=c-1&amount=5&comment=two%20words"
		order   = "requestTime=1700000000000&externalPaymentId=order-17&amount=10.50&currency=EUR&comment=rent+for+May+%26+June%3Dok+%C3%A9%2B&transactionSignature="
	)
	for _, tt := range []struct {
		name, head, rest string
		payments         bool // with a payment secret
		code             classify.Code
		answer           string // part of it
	}{
		{"GET", "GET /api/1/eurowallet/status HTTP/1.1", auth("1700000000000001", sigStatus) + "\r\n", false, "", "status"},
		{"GET with a bare question mark", "GET /api/1/eurowallet/status? HTTP/1.1", auth("1700000000000001", sigStatus) + "\r\n", false, "", "status"},
		{"GET, lowercase headers", "GET /api/1/eurowallet/status HTTP/1.1", strings.Replace(strings.ToLower(auth("1700000000000001", sigStatus)), "ak-1", "AK-1", 1) + "\r\n", false, "", "status"},
		{"GET, shouting headers", "GET /api/1/eurowallet/status HTTP/1.1", strings.NewReplacer("X-Signature", "X-SIGNATURE").Replace(auth("1700000000000001", sigStatus)) + "\r\n", false, "", "status"},
		{"GET with an empty form, as PHP's curl and old requests do", "GET /api/1/eurowallet/status HTTP/1.1", auth("1700000000000001", sigStatus) + formHeader + sized(""), false, "", "status"},
		{"GET in absolute form, as through a proxy", "GET http://bank.test/api/1/eurowallet/status HTTP/1.1", auth("1700000000000001", sigStatus) + "\r\n", false, "", "status"},
		{"HTTP/1.0", "GET /api/1/eurowallet/status HTTP/1.0", auth("1700000000000001", sigStatus) + "\r\n", false, "", "status"},
		{"lookup", "GET /api/1/eurowallet/payments/status?externalPaymentId=order-17 HTTP/1.1", auth("1700000000000002", sigLookup) + "\r\n", false, "30000", "payment not found"},
		{"lookup signed un-encoded, %20", "GET /api/1/eurowallet/payments/status?externalPaymentId=order%2017 HTTP/1.1", auth("1700000000000005", sigLookupPlain) + "\r\n", false, "30000", "payment not found"},
		{"lookup signed un-encoded, plus", "GET /api/1/eurowallet/payments/status?externalPaymentId=order+17 HTTP/1.1", auth("1700000000000005", sigLookupPlain) + "\r\n", false, "30000", "payment not found"},
		{"POST, plus", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000007", sigPayment) + formHeader + sized(plus), false, "", `"paymentId":"1"`},
		{"POST, %20", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000007", sigPayment) + formHeader + sized(percent), false, "", `"paymentId":"1"`},
		{"POST, charset", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000007", sigPayment) + strings.Replace(formHeader, "\r", "; charset=UTF-8\r", 1) + sized(plus), false, "", `"paymentId":"1"`},
		{"POST, chunked in odd pieces", "POST /api/2/eurowallet/payments HTTP/1.1",
			auth("1700000000000007", sigPayment) + formHeader + "Transfer-Encoding: chunked\r\n\r\n1\r\ne\r\n10;x=y\r\nxternalPaymentId\r\n1F\r\n=c-1&amount=5&comment=two+words\r\n0\r\n\r\n", false, "", `"paymentId":"1"`},
		{"POST after 100-continue", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000007", sigPayment) + formHeader + "Expect: 100-continue\r\n" + sized(plus), false, "", `"paymentId":"1"`},
		{"POST with a bare question mark", "POST /api/2/eurowallet/payments? HTTP/1.1", auth("1700000000000007", sigPayment) + formHeader + sized(plus), false, "", `"paymentId":"1"`},
		{"POST, both signatures", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000004", sigOrder) + formHeader + sized(order+sigOrderInner), true, "", `"paymentId":"1"`},

		{"mistake: signed the encoded query", "GET /api/1/eurowallet/payments/status?externalPaymentId=order%2017 HTTP/1.1", auth("1700000000000006", sigLookupEncoded) + "\r\n", false, "70", "Wrong signature"},
		{"mistake: signed the encoded body", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000008", sigPaymentEncoded) + formHeader + sized(plus), false, "70", "Wrong signature"},
		{"mistake: other order than signed", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000007", sigPayment) + formHeader + sized("amount=5&externalPaymentId=c-1&comment=two+words"), false, "70", "Wrong signature"},
		{"mistake: other nonce than signed", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000008", sigPayment) + formHeader + sized(plus), false, "70", "Wrong signature"},
		{"mistake: other path than signed", "GET /api/1/eurowallet/payments/history HTTP/1.1", auth("1700000000000001", sigStatus) + "\r\n", false, "70", "Wrong signature"},
		{"mistake: no payment signature", "POST /api/2/eurowallet/payments HTTP/1.1", auth("1700000000000007", sigPayment) + formHeader + sized(plus), true, "70", "transactionSignature"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			key := nexpaytest.Key{ID: "AK-1", Secret: "s3cret-ключ"}
			if tt.payments {
				key.PaymentSecret = "pay-s3cret"
			}
			b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{key}, AnyFields: true})
			defer b.Close()
			status, answer := raw(t, b, tt.head+"\r\nHost: bank.test\r\nConnection: close\r\n"+tt.rest)
			require.Equal(t, tt.code, last(b).Code, answer)
			require.Equal(t, last(b).Status, status)
			require.Contains(t, answer, tt.answer)
			require.True(t, json.Valid([]byte(answer)))
			require.Equal(t, strings.Contains(tt.answer, "paymentId"), len(b.Payments()) == 1)
		})
	}
}

// What the form says has to arrive, not only to be signed.
func TestOtherPeoplesFormsArrive(t *testing.T) {
	b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{{ID: "AK-1", Secret: "s3cret-ключ"}}, AnyFields: true})
	defer b.Close()
	raw(t, b, "POST /api/2/eurowallet/payments HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"+auth("1700000000000007", sigPayment)+formHeader+sized("externalPaymentId=c-1&amount=5&comment=two%20words"))
	require.Equal(t, nexpay.Form{{Name: "externalPaymentId", Value: "c-1"}, {Name: "amount", Value: "5"}, {Name: "comment", Value: "two words"}}, b.Payments()[0].Fields)
}

// A bank that is told so takes a query that is signed as it was sent, too.
func TestEncodedQuery(t *testing.T) {
	const head = "GET /api/1/eurowallet/payments/status?externalPaymentId=order%2017 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
	for encoded, want := range map[bool]classify.Code{false: "70", true: "30000"} {
		b := bank(t, nexpaytest.Config{Keys: []nexpaytest.Key{{ID: "AK-1", Secret: "s3cret-ключ"}}, EncodedQuery: encoded})
		defer b.Close()
		raw(t, b, head+auth("1700000000000006", sigLookupEncoded)+"\r\n")
		require.Equal(t, want, last(b).Code)
		b.SetLastNonce("AK-1", 0)
		raw(t, b, head+auth("1700000000000005", sigLookupPlain)+"\r\n")
		require.EqualValues(t, "30000", last(b).Code)
	}
}

// raw sends bytes over TCP and reads one answer.
func raw(t *testing.T, b *nexpaytest.Bank, request string) (status int, body string) {
	t.Helper()
	url, err := b.Start()
	require.NoError(t, err)
	conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	require.NoError(t, err)
	defer conn.Close()
	_, err = io.WriteString(conn, request)
	require.NoError(t, err)
	in := bufio.NewReader(conn)
	for {
		resp, err := http.ReadResponse(in, nil)
		require.NoError(t, err)
		text, err := io.ReadAll(resp.Body)
		require.NoError(t, err)
		if resp.StatusCode != http.StatusContinue {
			return resp.StatusCode, string(text)
		}
	}
}
