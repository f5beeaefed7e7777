package nexpay_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
)

// stuck never reads anything before its request is over.
type stuck struct{ ctx context.Context }

func (s stuck) Read([]byte) (int, error) {
	<-s.ctx.Done()
	return 0, context.Cause(s.ctx)
}

// A refusal whose body stalls is one, and proves nothing: neither that a payment was
// refused nor that there is none.
func TestRefusalWhoseBodyStalls(t *testing.T) {
	stalls := func(status int, part string) roundTrip {
		return func(req *http.Request) (*http.Response, error) {
			resp, err := reply(status, "")(req)
			resp.Body = io.NopCloser(io.MultiReader(strings.NewReader(part), stuck{req.Context()}))
			return resp, err
		}
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(withNonce(t.Context(), 7), 10*time.Second)
		defer cancel()
		_, err := client(t, stalls(403, `{"errors":[{"code":100}],"traceId":"5f2c"`)).AccountStatus(ctx)
		require.EqualError(t, err, "HTTP 403: 100 (trace 5f2c)")
		v := classify.Nexpay().Classify(err)
		require.True(t, v.Lockout)
		require.Equal(t, classify.Fatal, v.Class)
		require.Equal(t, classify.Unknown, v.Effect)
	})
	synctest.Test(t, func(t *testing.T) {
		c := client(t, reply(200, "{}"))
		_, err := c.AccountStatus(withNonce(t.Context(), 7)) // it is the API's
		require.NoError(t, err)
		c.HTTP = &http.Client{Transport: stalls(404, `{"errors":[{"code":30020}]`)}
		ctx, cancel := context.WithTimeout(withNonce(t.Context(), 8), 10*time.Second)
		defer cancel()
		_, outcome, err := nexpay.Payment{Client: c, ExternalID: "order-17"}.Verify(ctx)
		require.Equal(t, classify.Undecided, outcome)
		_, ok := errors.AsType[*nexpay.UnprovenError](err)
		require.True(t, ok, "%v", err)
	})
}
