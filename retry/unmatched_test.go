package retry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A 4xx with a body in which the Shape finds nothing is reported once per status: without a Shape of its
// own, every decline of such an API is judged by its status alone.
func TestUnmatchedAnswersAreReportedOnce(t *testing.T) {
	var warned []retry.Event
	r := newRetrier(t, retry.Config{OnEvent: func(_ context.Context, e retry.Event) {
		if e.Kind == retry.EventWarning {
			warned = append(warned, e)
		}
	}})
	send := func(r *retry.Retrier, catalog *classify.Catalog, status int, body string) {
		_ = retry.Do(t.Context(), r, func(context.Context) error { return catalog.Decode(status, nil, []byte(body)) }, retry.Named("balance"))
	}
	const decline = `{"error":{"code":"card_declined","message":"canary"}}`
	for _, other := range []string{
		``, `no`, `{}`, `[]`, `"no"`, `{"error":`, `{"errors":[{"code":80}]}`, `{"errors":[{"message":"no"}]}`, `{"traceId":"5f2c"}`,
	} {
		send(r, classify.Nexpay(), 400, other)
	}
	send(r, classify.Nexpay(), 501, decline)
	require.Empty(t, warned)

	for range 2 {
		send(r, classify.Nexpay(), 402, decline)
	}
	require.Len(t, warned, 1)
	require.Equal(t, "balance", warned[0].Name)
	require.Contains(t, warned[0].Error, "HTTP 402 came with a body")
	require.LessOrEqual(t, len(warned[0].Error), 256)
	require.NotContains(t, warned[0].Error, "canary")

	for range 2 {
		send(r, classify.Nexpay(), 404, " <html>no such page</html>")
	}
	require.Len(t, warned, 2)
	require.Contains(t, warned[1].Error, "HTTP 404 came with a body")

	warned = nil
	shaped, err := classify.Nexpay().WithShape(classify.Shape{Code: []string{"$.error.code"}})
	require.NoError(t, err)
	set, err := policy.Nexpay().With(policy.Table{Catalog: shaped})
	require.NoError(t, err)
	fitting := newRetrier(t, retry.Config{Policies: set, OnEvent: func(_ context.Context, e retry.Event) { require.NotEqual(t, retry.EventWarning, e.Kind) }})
	send(fitting, shaped, 402, decline)
}
