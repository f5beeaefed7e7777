package reports_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

var errFile = errors.New("statement file: input/output error")

type brokenFile struct{ left int }

func (f *brokenFile) Read(p []byte) (int, error) {
	if f.left == 0 {
		return 0, errFile
	}
	n := min(len(p), f.left)
	f.left -= n
	return n, nil
}

// tuist/tuist#13158, QuesmaOrg/quesma#1297, opensearch-project/opensearch-go#541, stoewer/go-nakadi#31: what is uploaded cannot be read, or was read
// before. That is no failure of the server's.
func TestTroubleWithTheProgramsOwnBodyIsNoFailureOfTheServer(t *testing.T) {
	url, _ := served(t, func(_ http.ResponseWriter, req *http.Request) { _, _ = io.Copy(io.Discard, req.Body) })
	for want, make := range map[string]func() (io.Reader, int64){
		"the body of the request cannot be read":                    func() (io.Reader, int64) { return &brokenFile{70_000}, -1 },
		"the body of the request is shorter than its ContentLength": func() (io.Reader, int64) { return io.MultiReader(strings.NewReader("a")), 3 },
	} {
		b := touchy(t)
		for range 4 {
			body, length := make()
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url, body)
			require.NoError(t, err)
			req.ContentLength = length
			_, err = through(t, retrier(t, b), nil).Do(req)
			require.ErrorContains(t, err, want)
			require.NotContains(t, err.Error(), "input/output", "what a reader says may hold anything")
			e := told(t, err)
			require.Equal(t, 1, e.Attempts)
			require.Equal(t, classify.Unknown, e.Effect, "some of it was sent")
			require.Equal(t, length < 0, errors.Is(err, errFile))
		}
		require.Equal(t, breaker.Closed, b.State())
	}

	// Of a payment it leaves doubt.
	_, err := through(t, retrier(t, nil), nil).Do(once(posted(t, url, &brokenFile{70_000})))
	require.ErrorIs(t, err, retry.ErrOutcomeUnknown)
}
