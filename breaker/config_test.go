package breaker_test

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

func TestNewReportsEverythingAtOnce(t *testing.T) {
	const huge = math.MaxInt64
	for _, tt := range []struct {
		name  string
		cfg   breaker.Config
		wrong []string // the fields complained about, in order
	}{
		{"zero", breaker.Config{}, nil},
		{"triggers off", breaker.Config{ConsecutiveFailures: -1, FailureRatio: -1}, nil},
		{"triggers off, infinitely", breaker.Config{ConsecutiveFailures: math.MinInt, FailureRatio: math.Inf(-1)}, nil},
		{"lower bounds", breaker.Config{ConsecutiveFailures: 1, FailureRatio: math.SmallestNonzeroFloat64, MinCalls: 1,
			Window: time.Millisecond, OpenFor: time.Millisecond, MaxOpenFor: time.Millisecond,
			Probes: 1, ProbeTimeout: time.Millisecond}, nil},
		{"upper bounds", breaker.Config{ConsecutiveFailures: 100_000, FailureRatio: 1, MinCalls: 100_000,
			Window: time.Hour, OpenFor: 24 * time.Hour, MaxOpenFor: 24 * time.Hour,
			Probes: 1000, ProbeTimeout: 24 * time.Hour}, nil},
		{"long open time, no bound given", breaker.Config{OpenFor: 24 * time.Hour}, nil},
		{"below", breaker.Config{MinCalls: -1, Window: 1, OpenFor: -1, MaxOpenFor: -2, Probes: -1, ProbeTimeout: -1},
			[]string{"MinCalls", "Probes", "Window", "OpenFor", "MaxOpenFor", "ProbeTimeout", "MaxOpenFor"}},
		{"above", breaker.Config{ConsecutiveFailures: math.MaxInt, FailureRatio: 1.01, MinCalls: math.MaxInt, Window: huge,
			OpenFor: huge, MaxOpenFor: huge, Probes: math.MaxInt, ProbeTimeout: huge},
			[]string{"ConsecutiveFailures", "FailureRatio", "MinCalls", "Probes", "Window", "OpenFor", "MaxOpenFor", "ProbeTimeout"}},
		{"just below", breaker.Config{Window: time.Millisecond - 1, OpenFor: time.Millisecond - 1, MaxOpenFor: time.Millisecond - 1,
			ProbeTimeout: time.Millisecond - 1, SlowCall: time.Millisecond - 1},
			[]string{"Window", "OpenFor", "MaxOpenFor", "ProbeTimeout", "SlowCall"}},
		{"just above", breaker.Config{ConsecutiveFailures: 100_001, FailureRatio: math.Nextafter(1, 2), MinCalls: 100_001,
			Window: time.Hour + 1, OpenFor: 24*time.Hour + 1, MaxOpenFor: 24*time.Hour + 1, Probes: 1001,
			ProbeTimeout: 24*time.Hour + 1, SlowCall: 24*time.Hour + 1},
			[]string{"ConsecutiveFailures", "FailureRatio", "MinCalls", "Probes", "Window", "OpenFor", "MaxOpenFor", "ProbeTimeout",
				"SlowCall"}},
		{"above, no bound given", breaker.Config{OpenFor: huge}, []string{"OpenFor", "MaxOpenFor"}},
		{"not a number", breaker.Config{FailureRatio: math.NaN()}, []string{"FailureRatio"}},
		{"infinite", breaker.Config{FailureRatio: math.Inf(1)}, []string{"FailureRatio"}},
		{"bound below", breaker.Config{OpenFor: 10 * time.Second, MaxOpenFor: 10*time.Second - 1}, []string{"MaxOpenFor"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b, err := breaker.New(tt.cfg)
			require.Equal(t, tt.wrong, complaints(err))
			require.Equal(t, tt.wrong == nil, b != nil)
		})
	}
}

// complaints returns the field each line of the error is about.
func complaints(err error) []string {
	if err == nil {
		return nil
	}
	var fields []string
	for line := range strings.Lines(err.Error()) {
		field, _, _ := strings.Cut(strings.TrimPrefix(line, "breaker: "), " ")
		fields = append(fields, field)
	}
	return fields
}

// Where only OpenFor is given, doubling goes on to twice of it, and to six seconds at least.
func TestMaxOpenForFollowsOpenFor(t *testing.T) {
	for first, most := range map[time.Duration]time.Duration{
		2 * time.Second: 6 * time.Second, 4 * time.Second: 8 * time.Second, 5 * time.Second: 10 * time.Second, time.Minute: 2 * time.Minute,
	} {
		run(t, breaker.Config{OpenFor: first}, []step{
			{all(trip, refusedFor("a call reported Trip", first), waitOpen(0)), breaker.HalfOpen},
			{all(calls(1, breaker.Failure), waitOpen(0), calls(1, breaker.Failure)), breaker.Open},
			{all(refusedFor("probe failed", most), waitOpen(0)), breaker.HalfOpen},
			{all(calls(1, breaker.Failure), refusedFor("probe failed", most)), breaker.Open},
		})
	}
}

func TestName(t *testing.T) {
	require.Equal(t, "bank", newBreaker(t, breaker.Config{Name: "bank"}).Name())
}

func TestStrings(t *testing.T) {
	for want, s := range map[string]interface{ String() string }{
		"closed": breaker.Closed, "open": breaker.Open, "half-open": breaker.HalfOpen, "State(9)": breaker.State(9),
		"success": breaker.Success, "failure": breaker.Failure, "ignored": breaker.Ignored, "trip": breaker.Trip,
		"Outcome(0)": breaker.Outcome(0),
	} {
		require.Equal(t, want, s.String())
	}
}

func TestOpenErrorText(t *testing.T) {
	for _, tt := range []struct {
		err  breaker.OpenError
		want string
	}{
		{breaker.OpenError{}, "circuit breaker is open; it stays open until it is reset"},
		{breaker.OpenError{Name: "bank", Reason: "isolated: fire"},
			`circuit breaker "bank" is open: isolated: fire; it stays open until it is reset`},
		{breaker.OpenError{Name: "bank\n", Reason: "probe failed", RetryIn: 8123456789},
			`circuit breaker "bank\n" is open: probe failed; retry in 8.123s`},
		{breaker.OpenError{RetryIn: 1}, "circuit breaker is open; retry in 1ns"},
	} {
		require.Equal(t, tt.want, tt.err.Error())
		require.ErrorIs(t, &tt.err, breaker.ErrOpen)
		require.False(t, errors.Is(&tt.err, breaker.ErrLockedOut))
		require.Equal(t, tt.want, tt.err.SafeError())
	}
}

// Unusual leases are harmless.
func TestZeroLease(t *testing.T) {
	var l breaker.Lease
	for _, o := range []breaker.Outcome{0, breaker.Success, breaker.Failure, breaker.Ignored, breaker.Trip, 255} {
		l.Done(o)
		(*breaker.Lease)(nil).Done(o)
	}
	require.False(t, l.Probe())
	require.False(t, (*breaker.Lease)(nil).Probe())
}

func TestNewGroupAtTheBounds(t *testing.T) {
	for most, fine := range map[int]bool{-1: false, 0: true, 1: true, 1_000_000: true, 1_000_001: false} {
		_, err := breaker.NewGroup(breaker.Config{}, most)
		require.Equal(t, fine, err == nil, "%d: %v", most, err)
	}
}

// A probe may answer at any moment: who is refused meanwhile may come back sooner.
func TestOpenErrorTextDuringAProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, err := breaker.New(breaker.Config{ConsecutiveFailures: 1, OpenFor: time.Second})
		require.NoError(t, err)
		l, err := b.Acquire()
		require.NoError(t, err)
		l.Done(breaker.Failure)
		time.Sleep(2 * time.Second)
		l, err = b.Acquire()
		require.NoError(t, err)
		_, err = b.Acquire()
		require.EqualError(t, err, "circuit breaker is open: half-open, waiting for its probes to answer; retry within 10s")
		l.Done(breaker.Success)
		_, err = b.Acquire()
		require.NoError(t, err)
	})
}
