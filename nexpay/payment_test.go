package nexpay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// order is a signed order of 10.50 to an account.
func order(t testing.TB, s *nexpay.Signer, id string) nexpay.Form {
	t.Helper()
	o := someOrder
	o.ExternalPaymentID = id
	f, err := s.SignOrder(o)
	require.NoError(t, err)
	return f
}

// someOrder has all that is required.
var someOrder = nexpay.Order{
	RequestTime: time.UnixMilli(1700000000000), Amount: "10.50",
	BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT121000011101001000", BeneficiaryReference: "invoice 17",
}

const externalID = "externalPaymentId"

// Each way of reaching a bank: in the process, and over HTTP on loopback.
var ways = map[string]func(*testing.T, *nexpaytest.Bank, nexpay.Credentials) *nexpay.Client{
	"in process": func(t *testing.T, b *nexpaytest.Bank, c nexpay.Credentials) *nexpay.Client {
		return &nexpay.Client{BaseURL: "https://bank.test", Signer: signer(t, c), HTTP: &http.Client{Transport: b.RoundTripper()}}
	},
	"TCP": func(t *testing.T, b *nexpaytest.Bank, c nexpay.Credentials) *nexpay.Client {
		url, err := b.Start()
		require.NoError(t, err)
		transport := &http.Transport{DisableKeepAlives: true} // or net/http sends a lookup again by itself
		t.Cleanup(func() { transport.CloseIdleConnections(); b.Close() })
		return &nexpay.Client{BaseURL: url, Signer: signer(t, c), HTTP: &http.Client{Transport: transport}}
	},
}

// One order sent twice is the same order; only nonce and signature are new.
func TestSend(t *testing.T) {
	for name, reach := range ways {
		t.Run(name, func(t *testing.T) {
			bank, creds := nexpaytest.NewKeyed()
			c := reach(t, bank, creds)
			p := nexpay.Payment{Client: c, ExternalID: "order-17", Order: order(t, c.Signer, "order-17")}
			before := slices.Clone(p.Order)
			for n := range uint64(2) {
				got, err := p.Send(withNonce(t.Context(), n+1))
				require.NoError(t, err)
				require.Equal(t, nexpay.PaymentStatus{PaymentID: fmt.Sprint(n + 1), Status: nexpay.Pending}, got)
			}
			require.Equal(t, before, p.Order)
			all := bank.Payments()
			require.Len(t, all, 2)
			require.Equal(t, p.Order[:len(p.Order)-1], all[0].Fields)
			require.Equal(t, all[0].Fields, all[1].Fields)
			require.Equal(t, 2, bank.Executed("order-17"), "Send sends; finding out first is for DoOnce")
		})
	}
}

func TestSendRefusesToSend(t *testing.T) {
	s := signer(t, golden)
	good := order(t, s, "order-17")
	without := func(name string) nexpay.Form {
		return slices.DeleteFunc(slices.Clone(good), func(f nexpay.Field) bool { return f.Name == name })
	}
	with := func(f ...nexpay.Field) nexpay.Form { return append(slices.Clone(good), f...) }
	for _, tt := range []struct {
		name   string
		change func(*nexpay.Payment)
		want   []string
	}{
		{"nothing", func(p *nexpay.Payment) { *p = nexpay.Payment{} }, []string{"Client is nil", "no externalPaymentId", "not signed"}},
		{"no order", func(p *nexpay.Payment) { p.Order = nil }, []string{"not the externalPaymentId", "not signed"}},
		{"not signed", func(p *nexpay.Payment) { p.Order = without("transactionSignature") }, []string{"not signed"}},
		{"signed twice", func(p *nexpay.Payment) { p.Order = with(good[len(good)-1]) }, []string{"not signed"}},
		{"changed after signing", func(p *nexpay.Payment) { p.Order = with(nexpay.Field{Name: "a"}) }, []string{"not signed"}},
		{"signature empty", func(p *nexpay.Payment) {
			p.Order = append(without("transactionSignature"), nexpay.Field{Name: "transactionSignature"})
		}, []string{"not signed"}},
		{"no id", func(p *nexpay.Payment) { p.Order = without(externalID) }, []string{"no externalPaymentId"}},
		{"two ids", func(p *nexpay.Payment) {
			p.Order = append(nexpay.Form{{Name: externalID, Value: "order-17"}}, good...)
		}, []string{"more than one"}},
		{"another id", func(p *nexpay.Payment) { p.ExternalID = "order-18" }, []string{"not the externalPaymentId"}},
		{"no such version", func(p *nexpay.Payment) { p.Version = 3 }, []string{"neither 1 nor 2"}},
		{"a version below", func(p *nexpay.Payment) { p.Version = -1 }, []string{"neither 1 nor 2"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := nexpay.Payment{
				Client:     client(t, roundTrip(func(*http.Request) (*http.Response, error) { t.Error("sent"); return nil, io.EOF })),
				ExternalID: "order-17", Order: good,
			}
			tt.change(&p)
			_, err := p.Send(withNonce(t.Context(), 1))
			require.Equal(t, notSent, classify.Nexpay().Classify(err), "%v", err)
			for _, want := range tt.want {
				require.ErrorContains(t, err, want)
			}
			require.NotContains(t, err.Error(), "zzz")
		})
	}
	c := client(t, nil)
	_, err := c.CreatePayment(withNonce(t.Context(), 1), nil)
	require.Equal(t, notSent, classify.Nexpay().Classify(err))
	_, err = (&nexpay.Client{}).CreatePayment(withNonce(t.Context(), 1), good)
	require.ErrorContains(t, err, "BaseURL")
}

// An id is found again whatever it holds, by status and by details, of a payment
// of either version; and the bank takes the order of its fields.
func TestIDsAreFoundAgain(t *testing.T) {
	bank, creds := nexpaytest.NewKeyed()
	c := ways["TCP"](t, bank, creds)
	n := uint64(0)
	next := func() context.Context { n++; return withNonce(t.Context(), n) }
	for _, id := range []string{"order-17", "order 18", "a+b", "50% & more=less", "Ünïcode €", "x?y#z/;", "a&clientPaymentId=1", "%20", "&", "="} {
		for version := range 3 {
			id := fmt.Sprint(id, version)
			o := someOrder
			o.ExternalPaymentID, o.UseGBXForFee, o.Version = id, new(false), version
			signed, err := c.Signer.SignOrder(o)
			require.NoError(t, err)
			p := nexpay.Payment{Client: c, ExternalID: id, Order: signed, Version: version}
			_, outcome, err := p.Verify(next())
			require.Equal(t, n > 1, outcome == classify.Absent, "%v", err) // the first answer of all proves nothing
			sent, err := p.Send(next())
			require.NoError(t, err, id)
			require.Equal(t, map[int]string{0: creation2, 1: creation1, 2: creation2}[version], lastPath(bank))
			for details, path := range map[bool]string{false: "/api/1/eurowallet/payments/status", true: "/api/1/nexpay/payments"} {
				p.Details = details
				found, outcome, err := p.Verify(next())
				require.NoError(t, err, id)
				require.Equal(t, classify.Applied, outcome)
				require.Equal(t, sent, found)
				require.Equal(t, path, lastPath(bank))
			}
			p.ExternalID += "-"
			_, outcome, err = p.Verify(next())
			require.NoError(t, err)
			require.Equal(t, classify.Absent, outcome, "by details, too")
		}
	}
}

const creation1, creation2 = "/api/1/eurowallet/payments", "/api/2/eurowallet/payments"

func lastPath(b *nexpaytest.Bank) string {
	all := b.Requests()
	return all[len(all)-1].Path
}

// Whatever answers with a 2xx that says nothing of a payment leaves it open.
func TestSendReadsStrictly(t *testing.T) {
	for _, answer := range []string{``, `{}`, `null`, `<html>`, `{"paymentId":1}`, `{"paymentId":1.5,"status":"PENDING"}`, `{"paymentId":1,"status":"PENDING"`} {
		c := client(t, reply(200, answer))
		got, err := c.CreatePayment(withNonce(t.Context(), 1), order(t, c.Signer, "order-17"))
		require.Zero(t, got)
		v := classify.Nexpay().Classify(err)
		require.Equal(t, answer[max(len(answer)-2, 0):] == `G"`, v.Class == classify.Retryable, "%s: only the one that is cut", answer)
		require.Equal(t, classify.Unknown, v.Effect, answer)
	}
}

// HMAC-SHA256 of the encoded fields with transactionSignature as the key; the
// value was computed with openssl:
//
//	printf %s 'externalPaymentId=order-17&text=a%26b%3Dc' | openssl dgst -sha256 -hmac abc
func TestFingerprint(t *testing.T) {
	f := nexpay.Form{{Name: externalID, Value: "order-17"}, {Name: "text", Value: "a&b=c"}, {Name: "transactionSignature", Value: "abc"}}
	print := nexpay.Payment{Order: f}.Fingerprint()
	require.Equal(t, "1a66f39d1691106cbf2c0fc900e7539e948dd7b7b53b1120010565fec13946fa", print)
	require.Equal(t, print, nexpay.Payment{Client: client(t, nil), ExternalID: "x", Order: slices.Clone(f)}.Fingerprint(), "of the order alone")
	for _, other := range []nexpay.Form{
		{f[0], {Name: "text", Value: "a&b=d"}, f[2]},
		{f[1], f[0], f[2]},
		{f[0], f[1], {Name: "transactionSignature", Value: "abd"}},
		{f[0], {Name: "text", Value: "a"}, {Name: "b", Value: "c"}, f[2]}, // signed, it is the same text
	} {
		require.NotEqual(t, print, nexpay.Payment{Order: other}.Fingerprint())
		require.Len(t, nexpay.Payment{Order: other}.Fingerprint(), 64)
	}
	for _, unsigned := range []nexpay.Form{nil, f[:2], {f[2], f[0]}, {f[0], {Name: "transactionSignature"}}} {
		require.Empty(t, nexpay.Payment{Order: unsigned}.Fingerprint(), "a plain hash of an amount can be guessed")
	}
}

func TestPaymentIsNeverShown(t *testing.T) {
	c := client(t, nil)
	p := nexpay.Payment{Client: c, ExternalID: "order-17", Order: order(t, c.Signer, "order-17")}
	var out bytes.Buffer
	for _, v := range []any{p, &p, []nexpay.Payment{p}, struct{ P nexpay.Payment }{p}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
	}
	require.Contains(t, out.String(), `nexpay.Payment("order-17")`)
	require.NotContains(t, out.String(), "LT12")
	require.NotContains(t, out.String(), p.Order[len(p.Order)-1].Value)
	text, err := json.Marshal(map[string]any{"payment": p})
	require.NoError(t, err)
	require.JSONEq(t, `{"payment":"nexpay.Payment(\"order-17\")"}`, string(text))
}

// What a hostile bank echoes of a payment is in no text.
func TestPaymentTextsHoldNoSecrets(t *testing.T) {
	var seen []string
	echo := func(status int) roundTrip {
		return func(req *http.Request) (*http.Response, error) {
			text := req.URL.RawQuery
			if req.Body != nil {
				raw, _ := io.ReadAll(req.Body)
				f, _ := nexpay.ParseForm(string(raw))
				text += string(raw) + " " + f.Text()
			}
			key, signature := req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature")
			seen = append(seen, key, signature)
			body, _ := json.Marshal(map[string]any{
				"errors":  []any{map[string]any{"code": 30010, "message": signature[:20] + " " + text, "data": text}},
				"traceId": "5f2c/" + key,
			})
			return reply(status, string(body))(req)
		}
	}
	for _, status := range []int{200, 301, 400, 403, 404, 429, 500} {
		c := client(t, echo(status))
		p := nexpay.Payment{Client: c, ExternalID: "order-secret", Order: order(t, c.Signer, "order-secret"), Absent: func(*classify.Error) bool { return false }}
		_, sent := p.Send(withNonce(t.Context(), 1))
		_, _, looked := p.Verify(withNonce(t.Context(), 2))
		c.HTTP.Transport = roundTrip(func(req *http.Request) (*http.Response, error) { return nil, errors.New(req.URL.String()) })
		_, _, lost := p.Verify(withNonce(t.Context(), 3))
		for _, err := range []error{sent, looked, lost} {
			require.Error(t, err)
			text := fmt.Sprintf("%v %+v %q", err, err, err)
			if safe, ok := errors.AsType[interface {
				error
				SafeError() string
			}](err); ok {
				text += safe.SafeError()
			}
			for _, secret := range append(seen, "order-secret", "LT12", p.Order[len(p.Order)-1].Value) {
				require.NotContains(t, text, secret, "HTTP %d", status)
			}
		}
		require.ErrorContains(t, looked, "5f2c")
	}
}

// CreatePayment hands down the context, with its ticket and its end.
func TestCreatePaymentEndsWithItsContext(t *testing.T) {
	c := client(t, roundTrip(func(req *http.Request) (*http.Response, error) {
		<-req.Context().Done()
		return nil, req.Context().Err()
	}))
	ctx, cancel := context.WithCancel(withNonce(t.Context(), 1))
	cancel()
	_, err := c.CreatePayment(ctx, order(t, c.Signer, "order-17"))
	require.ErrorIs(t, err, context.Canceled)
}
