package protocol_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// What is proof, and what is not, is told by name.
func TestProved(t *testing.T) {
	t.Parallel()
	for _, f := range failures {
		assert.Equal(t, f.harmless, protocol.Decide.Proved(f.evidence), f.name)
	}
}

func TestTaken(t *testing.T) {
	t.Parallel()
	asked := protocol.Generation{Number: 3, Owner: "this"}
	for held, want := range map[protocol.Generation]bool{
		{Number: 4, Owner: "this"}:    true,
		{Number: 3, Owner: "this"}:    false,
		{Number: 5, Owner: "this"}:    false,
		{Number: 4, Owner: "another"}: false,
		{Number: 4}:                   false,
		{}:                            false,
	} {
		assert.Equal(t, want, protocol.Decide.Taken(asked, held), held)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	const most = time.Duration(math.MaxInt64)
	d := protocol.Decide
	assert.True(t, d.InTime(0))
	assert.True(t, d.InTime(protocol.JournalTime))
	assert.False(t, d.InTime(protocol.JournalTime+1))

	assert.Equal(t, protocol.JournalTime, d.Quiet(0))
	assert.Equal(t, 20*time.Second, d.Quiet(15*time.Second))
	assert.Equal(t, most, d.Quiet(most))

	const all = 10*time.Second + protocol.JournalTime + 40*time.Second + protocol.Clocks
	for _, row := range []struct{ idempotent, takes, settle, want time.Duration }{
		{0, 10 * time.Second, 40 * time.Second, 0},
		{all - 1, 10 * time.Second, 40 * time.Second, 0},
		{all, 10 * time.Second, 40 * time.Second, 0},
		{all + 1, 10 * time.Second, 40 * time.Second, 1},
		{24 * time.Hour, 10 * time.Second, most, 0},
		{24 * time.Hour, most, 40 * time.Second, 0},
		{most, most, most, 0},
	} {
		assert.Equal(t, row.want, d.Window(row.idempotent, row.takes, row.settle), row)
	}
}

func TestAge(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 4, 6, 7, 0, time.UTC)
	for _, row := range []struct {
		sent time.Time
		want time.Duration
	}{
		{now, 0},
		{now.Add(-time.Hour), time.Hour},
		{now.Add(protocol.Clocks), -protocol.Clocks}, // another clock is ahead, as it may be
		{now.Add(protocol.Clocks + 1), math.MaxInt64},
		{time.Unix(0, 0), now.Sub(time.Unix(0, 0))},
		{time.Time{}, math.MaxInt64},
	} {
		assert.Equal(t, row.want, protocol.Decide.Age(row.sent, now), row.sent)
	}
}

func TestFound(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		applied, absent, failed bool
		kind                    protocol.Kind
		counts                  bool
	}{
		{true, false, false, protocol.FoundApplied, true},
		{true, false, true, protocol.FoundApplied, true},
		{true, true, true, protocol.FoundApplied, true},
		{false, true, false, protocol.FoundAbsent, true},
		{false, true, true, 0, false},
		{false, false, false, 0, false},
		{false, false, true, 0, false},
	} {
		kind, counts := protocol.Decide.Found(row.applied, row.absent, row.failed)
		assert.Equal(t, row.counts, counts, row)
		assert.Equal(t, row.kind, kind, row)
	}
}

func TestEndsLooking(t *testing.T) {
	t.Parallel()
	assert.True(t, protocol.Decide.EndsLooking(true, true))
	assert.False(t, protocol.Decide.EndsLooking(true, false))
	assert.False(t, protocol.Decide.EndsLooking(false, true))
	assert.False(t, protocol.Decide.EndsLooking(false, false))
}
