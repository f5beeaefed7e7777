package reports_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

var quietLog = log.New(io.Discard, "", 0)

// fetch is an operation that fetches url and reads it by itself.
func fetch(client *http.Client, url string) func(context.Context) error {
	return func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		return classify.ReadJSON(resp, nil)
	}
}

// served starts a server on loopback and counts its requests.
func served(t *testing.T, h http.HandlerFunc) (url string, requests func() int) {
	t.Helper()
	var mu sync.Mutex
	n := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		n++
		mu.Unlock()
		h(w, req)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() int { mu.Lock(); defer mu.Unlock(); return n }
}

// clientCertificate is one that no authority has signed.
func clientCertificate(t *testing.T, from, to time.Time) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "client"}, NotBefore: from, NotAfter: to,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// mutual is a server that wants a certificate of its clients, and a transport whose certificate has expired.
func mutual(t *testing.T) (url string, handled func() int, base *http.Transport) {
	t.Helper()
	cert, pool := clientCertificate(t, time.Now().Add(-48*time.Hour), time.Now().Add(-24*time.Hour))
	var mu sync.Mutex
	n := 0
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		n++
		mu.Unlock()
		io.WriteString(w, "{}")
	}))
	s.TLS = &tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool}
	s.Config.ErrorLog = nil
	s.Config.ErrorLog = quietLog
	s.StartTLS()
	t.Cleanup(s.Close)
	base = s.Client().Transport.(*http.Transport).Clone()
	base.TLSClientConfig.Certificates = []tls.Certificate{cert}
	base.TLSClientConfig.MaxVersion = tls.VersionTLS12 // under 1.3 the alert comes after the handshake, and a reset may overtake it
	return s.URL, func() int { mu.Lock(); defer mu.Unlock(); return n }, base
}

// Our own client certificate has expired, and the server says so in an alert that ends the handshake. No resend helps, the server is well, and the line names the alert.
// (RakuenSoftware/aimee#2232, postfinance/topf#10, DNSCrypt/dnscrypt-proxy#2114)
func TestARefusedClientCertificateIsNotRetriedAndNotHeldAgainstTheServer(t *testing.T) {
	url, handled, base := mutual(t)
	b := touchy(t)
	sends := 0
	err := retry.Do(t.Context(), retrier(t, b), func(ctx context.Context) error { sends++; return fetch(plain(t, base), url)(ctx) })
	t.Log(err)
	require.Error(t, err)
	require.Zero(t, handled())
	require.Contains(t, err.Error(), "certificate")
	require.Equal(t, breaker.Closed, b.State())
	require.Equal(t, 1, sends)
}

// A body that was kept in memory has a length that is known: the request says it, as servers ask for one (411). (hashicorp/go-retryablehttp#194, golang/go#53101)
func TestABufferedBodyGoesOutWithItsLength(t *testing.T) {
	var length int64
	var encoding []string
	url, _ := served(t, func(w http.ResponseWriter, req *http.Request) {
		length, encoding = req.ContentLength, req.TransferEncoding
		io.Copy(io.Discard, req.Body)
		if req.ContentLength < 0 {
			w.WriteHeader(411)
			return
		}
		io.WriteString(w, "{}")
	})
	client := through(t, retrier(t, nil), nil, func(t *retryhttp.Transport) { t.BufferBody = 1 << 20 })
	for name, body := range map[string]io.Reader{
		"some":  io.MultiReader(strings.NewReader("amount=5"), strings.NewReader("&id=7")),
		"empty": io.MultiReader(),
	} {
		t.Run(name, func(t *testing.T) {
			resp, err := client.Do(posted(t, url, body))
			require.NoError(t, err)
			require.Equal(t, 200, resp.StatusCode, "length %d, encoding %v", length, encoding)
		})
	}
}

// Also a POST: the server says that it has not acted on it. (quicwg/base-drafts#4934, warmcat/libwebsockets#2975)
func TestAPostMisdirectedToTheWrongConnectionIsSentAgain(t *testing.T) {
	n := 0
	url, _ := served(t, func(w http.ResponseWriter, _ *http.Request) {
		if n++; n == 1 {
			w.WriteHeader(421)
			return
		}
		io.WriteString(w, "{}")
	})
	resp, err := through(t, retrier(t, nil), nil).Do(posted(t, url, strings.NewReader("a=1")))
	require.NoError(t, err)
	resp.Body.Close()
	require.Equal(t, 200, resp.StatusCode)
}

// An epoch where seconds belong: not 56 years. The time that is meant is waited for, or the call ends and says so; the breaker is not shut for an hour by one such answer.
// (openclaw/clawhub#407, mvanhorn/cli-printing-press#542, ArjanCodes/moneysnake#24)
func TestARetryAfterThatIsAnEpochIsATime(t *testing.T) {
	h := http.Header{"Retry-After": {strconv.FormatInt(time.Now().Add(7*time.Second).Unix(), 10)}, "Date": {time.Now().UTC().Format(http.TimeFormat)}}
	e := classify.Decode(429, h, nil)
	require.InDelta(t, 7, e.RetryAfter.Seconds(), 2, "%v", e.RetryAfter)
}

// Thirty callers are told the same Retry-After at the same moment: they do not all come back in one instant, and none before its time. (NousResearch/hermes-agent#109234, panoramicdata/Meraki.Api#374, openclaw/openclaw#68543)
func TestCallersWithTheSameRetryAfterDoNotComeBackInStep(t *testing.T) {
	var mu sync.Mutex
	var again []time.Duration
	first := map[string]time.Time{}
	url, _ := served(t, func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		who := req.URL.RawQuery
		if at, seen := first[who]; seen {
			again = append(again, time.Since(at))
			io.WriteString(w, "{}")
			return
		}
		first[who] = time.Now()
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(429)
	})
	r, err := retry.New(retry.Config{Budget: retry.NoBudget()})
	require.NoError(t, err)
	base := &http.Transport{MaxIdleConnsPerHost: 64}
	defer base.CloseIdleConnections()
	var calls sync.WaitGroup
	for i := range 30 {
		calls.Go(func() {
			if err := retry.Do(t.Context(), r, fetch(plain(t, base), fmt.Sprintf("%s/?%d", url, i))); err != nil {
				t.Error(err)
			}
		})
	}
	calls.Wait()
	slices.Sort(again)
	require.Len(t, again, 30)
	t.Logf("first %v, median %v, last %v", again[0], again[15], again[29])
	require.GreaterOrEqual(t, again[0], 990*time.Millisecond)
	require.Greater(t, again[27]-again[2], 50*time.Millisecond)
}

// zipped answers with gzip whoever asks for it.
func zipped(t *testing.T) (string, func() int) {
	t.Helper()
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	io.WriteString(z, `{"status":"PENDING"}`)
	z.Close()
	return served(t, func(w http.ResponseWriter, req *http.Request) {
		if strings.Contains(req.Header.Get("Accept-Encoding"), "gzip") {
			w.Header().Set("Content-Encoding", "gzip")
			w.Write(packed.Bytes())
			return
		}
		io.WriteString(w, `{"status":"PENDING"}`)
	})
}

// A caller that asks for gzip by a header of its own gets gzip (net/http then leaves it packed): the payment was made, and the answer says so. (steipete/eightctl#14, fern-api/fern#16919, tbxark/mcp-proxy#72)
func TestAPaymentWhoseAnswerIsCompressedBecauseTheCallerAskedForItHappened(t *testing.T) {
	url, _ := zipped(t)
	req := posted(t, url, strings.NewReader("a=1"))
	req.Header.Set("Accept-Encoding", "gzip, deflate")
	resp, err := through(t, retrier(t, nil), nil).Do(retryhttp.OnceWith(req, retry.Operation[*http.Response]{ID: "inv-7", Settle: 50 * time.Millisecond, GiveUp: 300 * time.Millisecond}))
	require.NoError(t, err)
	resp.Body.Close()
}

// Whoever sends the payment and then loses the answer, returning neither, has sent it: that is doubt, whatever kind of client is below. (golang/go#81206: net/http itself did)
func TestAPaymentThatWasSentAndWhoseAnswerIsLostBelowIsNeverCalledNotApplied(t *testing.T) {
	url, paid := served(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `{"status":"PENDING"}`) })
	for name, base := range map[string]func(*http.Request) *http.Request{
		"context passed on":  func(req *http.Request) *http.Request { return req },
		"context of its own": func(req *http.Request) *http.Request { return req.Clone(context.Background()) },
	} {
		t.Run(name, func(t *testing.T) {
			before := paid()
			inner := &http.Transport{}
			defer inner.CloseIdleConnections()
			client := over(t, nil, roundTripper(func(req *http.Request) (*http.Response, error) {
				resp, err := inner.RoundTrip(base(req))
				if err == nil {
					io.Copy(io.Discard, resp.Body)
					resp.Body.Close()
				}
				return nil, nil // as a middleware that swallows an answer that it cannot read
			}))
			_, err := client.Do(retryhttp.OnceWith(posted(t, url, strings.NewReader("a=1")), retry.Operation[*http.Response]{ID: "inv-7", Settle: 50 * time.Millisecond, GiveUp: 300 * time.Millisecond}))
			require.Equal(t, before+1, paid())
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		})
	}
}

// An idle watchdog of the operation's own cancels a send whose answer has stalled, while the call's context is alive. Nobody asked to stop: it is a time-out, and is sent again.
// (ferro-labs/ai-gateway#199, 2389-research/tracker#576, apache/maka#2487)
func TestAWatchdogOfTheOperationsOwnIsNotTheCallersWish(t *testing.T) {
	sends := 0
	over := make(chan struct{})
	url, n := served(t, func(w http.ResponseWriter, req *http.Request) {
		if sends++; sends == 1 {
			w.WriteHeader(200)
			w.(http.Flusher).Flush()
			select {
			case <-over:
			case <-req.Context().Done():
			}
			return
		}
		io.WriteString(w, `{"balance":1}`)
	})
	defer close(over)
	client := plain(t, nil)
	b := touchy(t)
	err := retry.Do(t.Context(), retrier(t, b), func(ctx context.Context) error {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		watchdog := time.AfterFunc(100*time.Millisecond, stop)
		defer watchdog.Stop()
		req, err := http.NewRequestWithContext(ctx, "GET", url, nil)
		if err != nil {
			return err
		}
		resp, err := client.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		_, err = io.ReadAll(resp.Body)
		return err
	})
	require.NoError(t, err)
	require.Equal(t, 2, n())
}

func posted(t *testing.T, url string, body io.Reader) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, body)
	require.NoError(t, err)
	return req
}
