package otelretry_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	api "go.opentelemetry.io/otel/trace"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/metrics/metricstest"
	"github.com/nexpay-go/resilience/otelretry"
	"github.com/nexpay-go/resilience/retry"
)

func tracer(t *testing.T, opts ...trace.TracerProviderOption) (api.Tracer, *tracetest.SpanRecorder) {
	recorder := tracetest.NewSpanRecorder()
	provider := trace.NewTracerProvider(append(opts, trace.WithSpanProcessor(recorder))...)
	t.Cleanup(func() { _ = provider.Shutdown(context.Background()) })
	return provider.Tracer("test"), recorder
}

// events are those of the only span, as "name{attributes}".
func events(spans []trace.ReadOnlySpan) (all []string) {
	for _, e := range spans[0].Events() {
		set := attribute.NewSet(e.Attributes...)
		all = append(all, fmt.Sprintf("%s{%s}", e.Name, set.Encoded(attribute.DefaultEncoder())))
	}
	return all
}

// The caller's span tells what became of the call, and no other span is made.
func TestSpanEvents(t *testing.T) {
	m, _ := newMetrics(t, otelretry.Config{})
	b, err := breaker.New(breaker.Config{Name: "bank"})
	require.NoError(t, err)
	r := metricstest.New(t, m, retry.Config{Key: "main", Breaker: b})
	tr, spans := tracer(t)
	ctx, span := tr.Start(t.Context(), "work")
	named := []retry.Option{retry.Named("balance"), retry.Endpoint("accounts")}
	require.NoError(t, retry.Do(ctx, r, metricstest.Answers(metricstest.Code(500, "-32603")), named...))
	require.NoError(t, retry.Do(ctx, r, metricstest.Answers(), named...))
	for _, verify := range []func(context.Context) (int, retry.Outcome, error){
		func(context.Context) (int, retry.Outcome, error) { return 1, retry.Applied, nil }, nil,
	} {
		_, _ = retry.DoOnce(ctx, r, retry.Operation[int]{ID: "inv-7", Verify: verify,
			Send: func(context.Context) (int, error) { return 0, errors.New("lost") }}, retry.Named("payout"))
	}
	b.Isolate("fire")
	require.Error(t, retry.Do(ctx, r, metricstest.Answers()))
	b.Reset()
	require.Error(t, retry.Do(ctx, r, metricstest.Answers(metricstest.Code(403, "100"))))
	require.Error(t, retry.Do(ctx, r, metricstest.Answers()))
	span.End()
	require.Len(t, spans.Ended(), 1)
	got := events(spans.Ended())
	require.Regexp(t, `resilience.resend.delay=`, got[0])
	got[0] = "…"
	require.Equal(t, []string{
		"…",
		"resilience.doubt{key=main,operation=payout,resilience.attempts=1,resilience.payment.id=inv-7}",
		"resilience.settled{key=main,operation=payout,outcome=applied,resilience.attempts=1,resilience.payment.id=inv-7}",
		"resilience.doubt{key=main,operation=payout,resilience.attempts=1,resilience.payment.id=inv-7}",
		"resilience.refused{key=main,outcome=open,resilience.attempts=0}",
		"resilience.lockout{error.type=API key locked,key=main,resilience.attempts=1}",
		"resilience.refused{key=main,outcome=locked_out,resilience.attempts=0}",
	}, got)
	require.Contains(t, spans.Ended()[0].Events()[0].Attributes, attribute.String("error.type", "Internal error"))
	require.NotContains(t, fmt.Sprint(spans.Ended()[0].Events()), "SECRET")
}

// A span that records nothing costs nothing, and a call without one is no trouble.
func TestSpanThatDoesNotRecord(t *testing.T) {
	m, _ := newMetrics(t, otelretry.Config{})
	r := metricstest.New(t, m, retry.Config{})
	tr, spans := tracer(t, trace.WithSampler(trace.NeverSample()))
	ctx, span := tr.Start(t.Context(), "work")
	require.NoError(t, retry.Do(ctx, r, metricstest.Answers(metricstest.Code(500, "-32603"))))
	require.NoError(t, retry.Do(t.Context(), r, metricstest.Answers(metricstest.Code(500, "-32603"))))
	span.End()
	require.Empty(t, spans.Ended())
}

// Each send has its span, of the real instrumentation, and all but the first tell which resend it is.
func TestResendCount(t *testing.T) {
	sends := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if sends++; sends < 3 {
			w.WriteHeader(http.StatusInternalServerError)
			_, _ = w.Write([]byte(`{"errors":[{"code":-32603}]}`))
		}
	}))
	defer server.Close()
	recorder := tracetest.NewSpanRecorder()
	spans := trace.NewTracerProvider(trace.WithSpanProcessor(recorder))
	m, _ := newMetrics(t, otelretry.Config{})
	client := traced(metricstest.New(t, m, retry.Config{}), spans)
	ctx, span := spans.Tracer("test").Start(t.Context(), "work")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	require.NoError(t, err)
	resp, err := client.Do(req)
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	span.End()
	client.CloseIdleConnections()
	require.Equal(t, 3, sends)
	var told []string
	for _, s := range recorder.Ended() {
		set := attribute.NewSet(s.Attributes()...)
		n, ok := set.Value("http.request.resend_count")
		told = append(told, fmt.Sprint(s.SpanKind(), " ", n.AsInt64(), " ", ok))
	}
	require.Equal(t, []string{"client 0 false", "client 1 true", "client 2 true", "internal 0 false"}, told)
	require.NoError(t, spans.Shutdown(context.Background()))
}

// A transport that keeps connections is asked to close them, one that keeps none is not.
func TestCloseIdleConnections(t *testing.T) {
	closed := 0
	(&http.Client{Transport: otelretry.Transport(&keeping{&closed})}).CloseIdleConnections()
	(&http.Client{Transport: otelretry.Transport(bare{})}).CloseIdleConnections()
	require.Equal(t, 1, closed)
}

type bare struct{ http.RoundTripper }

type keeping struct{ closed *int }

func (*keeping) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no network")
}
func (k *keeping) CloseIdleConnections() { *k.closed++ }

// What makes its own spans asks for the attribute.
func TestResendCountOfAnAttempt(t *testing.T) {
	_, ok := otelretry.ResendCount(t.Context())
	require.False(t, ok)
	m, _ := newMetrics(t, otelretry.Config{})
	r := metricstest.New(t, m, retry.Config{})
	var told []attribute.KeyValue
	fails := metricstest.Answers(metricstest.Code(500, "-32603"))
	require.NoError(t, retry.Do(t.Context(), r, func(ctx context.Context) error {
		if kv, ok := otelretry.ResendCount(ctx); ok {
			told = append(told, kv)
		}
		return fails(ctx)
	}))
	require.Equal(t, []attribute.KeyValue{attribute.Int("http.request.resend_count", 1)}, told)
}
