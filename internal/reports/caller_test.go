package reports_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// silent is a server that reads requests and answers none.
func silent(t *testing.T) string {
	t.Helper()
	end := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-end
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(end) })
	return s.URL
}

// Whoever sets http.Client.Timeout learns of a payment what is known of it.
func TestUnderTheTimeoutOfAClient(t *testing.T) {
	address := silent(t)
	for _, timeout := range []time.Duration{40 * time.Millisecond, 300 * time.Millisecond} {
		c := through(t, retrier(t, nil), nil)
		c.Timeout = timeout
		_, err := c.Do(once(post(t, address)))
		require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		require.Equal(t, 1, told(t, err).Attempts)
		require.NotContains(t, err.Error(), "broke off")

		for _, req := range []*http.Request{post(t, address), get(t, address)} {
			_, err = c.Do(req)
			require.ErrorContains(t, err, "deadline exceeded")
			require.NotContains(t, err.Error(), "broke off")
		}
	}
}

func get(t *testing.T, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	return req
}

// Request.Cancel is deprecated, and a wish of the caller's all the same.
func TestRequestCancelIsTheCallersWish(t *testing.T) {
	address := silent(t)
	b := touchy(t)
	for range 4 {
		wish := make(chan struct{})
		time.AfterFunc(20*time.Millisecond, func() { close(wish) })
		req := get(t, address)
		//lint:ignore SA1019 callers still set it
		req.Cancel = wish
		_, err := through(t, retrier(t, b), nil).Do(req)
		require.ErrorIs(t, err, retry.ErrCanceled)
		require.Equal(t, 1, told(t, err).Attempts)
	}
	require.Equal(t, breaker.Closed, b.State())

	// One that nobody closes does no harm, to the body neither.
	w := serve(t, func(int) string { return jsonAnswer(200, `{"a":1}`) })
	req := get(t, w.url())
	//lint:ignore SA1019 callers still set it
	req.Cancel = make(chan struct{})
	resp, err := through(t, retrier(t, nil), nil).Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, `{"a":1}`, string(text))
	require.NoError(t, resp.Body.Close())
}

func TestTrailersComeWithTheEndOfTheBody(t *testing.T) {
	for _, announce := range []string{"", "Trailer: X-Sum\r\n"} {
		w := serve(t, func(int) string {
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n" + announce + "\r\n2\r\n{}\r\n0\r\nX-Sum: 7\r\n\r\n"
		})
		resp, err := through(t, retrier(t, nil), nil).Do(once(post(t, w.url())))
		require.NoError(t, err)
		require.Empty(t, resp.Trailer.Get("X-Sum"), "the body is not read yet")
		_, known := resp.Trailer["X-Sum"]
		require.Equal(t, announce != "", known)
		_, err = io.ReadAll(resp.Body)
		require.NoError(t, err)
		require.Equal(t, "7", resp.Trailer.Get("X-Sum"))
		require.NoError(t, resp.Body.Close())
	}
}

func TestABodyThatCanBeReadOnceSaysSo(t *testing.T) {
	base := &http.Transport{TLSHandshakeTimeout: 20 * time.Millisecond}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, hanging(t), io.MultiReader(strings.NewReader("a=1")))
	require.NoError(t, err)
	_, err = through(t, retrier(t, nil), base).Do(req)
	require.ErrorIs(t, err, retry.ErrAttempts)
	require.Equal(t, 1, told(t, err).Attempts)
	require.ErrorContains(t, err, "its body can be read only once, so it was sent once")
}

var errPending = errors.New("pending")

// pending is a Judge that calls a 202 no success yet.
func pending(resp *http.Response) error {
	text, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return err
	case resp.StatusCode == http.StatusAccepted && strings.Contains(string(text), "pending"):
		return errors.Join(errPending, &classify.Error{Status: resp.StatusCode})
	}
	return nil
}

func TestJudgeSaysWhatIsNoSuccess(t *testing.T) {
	answers := []string{jsonAnswer(202, `{"status":"pending"}`), jsonAnswer(202, `{"status":"pending"}`), jsonAnswer(202, `{"status":"done"}`)}
	w := serve(t, func(n int) string { return answers[min(n, len(answers))-1] })
	judged := func(tr *retryhttp.Transport) { tr.Judge = pending }
	resp, err := through(t, retrier(t, nil), nil, judged).Do(get(t, w.url()))
	require.NoError(t, err)
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	require.Equal(t, `{"status":"done"}`, string(text), "as if nobody had read it")
	require.NoError(t, resp.Body.Close())
	require.Len(t, w.requests(), 3)

	// It stays so: the caller gets the answer, or with AlwaysError the error.
	w = serve(t, func(int) string { return answers[0] })
	resp, err = through(t, retrier(t, nil), nil, judged).Do(get(t, w.url()))
	require.NoError(t, err)
	require.Equal(t, 202, resp.StatusCode)
	require.NoError(t, resp.Body.Close())
	_, err = through(t, retrier(t, nil), nil, judged, func(tr *retryhttp.Transport) { tr.AlwaysError = true }).Do(get(t, w.url()))
	require.ErrorIs(t, err, errPending)

	// A payment that is no success is in doubt.
	_, err = through(t, retrier(t, nil), nil, judged).Do(once(post(t, w.url())))
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
}

// Judge reads no more of a long answer than it likes, and the caller gets all of it.
func TestJudgeDoesNotHoldALongAnswer(t *testing.T) {
	const long = 5 << 20
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("x", long))
	}))
	t.Cleanup(s.Close)
	for _, read := range []int64{0, 10, 6 << 20} {
		judge := func(resp *http.Response) error {
			n, _ := io.CopyN(io.Discard, resp.Body, read)
			if n > 4<<20 {
				return errors.New("too much")
			}
			return resp.Body.Close()
		}
		resp, err := through(t, retrier(t, nil), nil, func(tr *retryhttp.Transport) { tr.Judge = judge }).Do(get(t, s.URL))
		require.NoError(t, err)
		n, err := io.Copy(io.Discard, resp.Body)
		require.NoError(t, err)
		require.EqualValues(t, long, n)
		require.NoError(t, resp.Body.Close())
	}
}

// DoOnce with a client and ReadJSON, as people write it.
func TestPayOnceReadsWhatTheAnswerSays(t *testing.T) {
	for body, made := range map[string]bool{
		`{"paymentId":"7"}`: true, `{"paymentId":"7","error":null}`: true, `{"paymentId":"7","errors":[]}`: true,
		`null`: false, `[]`: false, `{"error":"refused"}`: false, `{"errors":[{"code":1}]}`: false, ``: false,
	} {
		w := serve(t, func(int) string { return jsonAnswer(200, body) })
		err := payOnce(t, retrier(t, nil), plain(t, nil), func(ctx context.Context) *http.Request { return post(t, w.url()).WithContext(ctx) })
		require.Equal(t, made, err == nil, "%s: %v", body, err)
		if !made {
			require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
		}
	}
}
