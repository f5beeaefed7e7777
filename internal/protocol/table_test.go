package protocol_test

import (
	"math"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// One step each, at and beside its limits.
func TestStep(t *testing.T) {
	t.Parallel()
	type state = protocol.State
	type event = protocol.Event
	half := state{Phase: protocol.Half, Settle: 10, Ever: true, Fence: 7, Quiet: 100, Due: 110}
	second := event{Kind: protocol.FoundAbsent, At: 120, Asked: 110, Nonce: 8, Same: true, Age: protocol.TooOld}
	change := func(e event, f func(e *event)) event { f(&e); return e }
	for _, row := range []struct {
		name string
		from state
		on   event
		to   state
		rule string // empty: no row
	}{
		{"the second Absent counts", half, second, state{Phase: protocol.Clear, Settle: 10, Ever: true, Fence: 7, Quiet: 100, Due: 110}, "M4"},
		{"a moment before Settle is over", half, change(second, func(e *event) { e.Asked-- }), half, ""},
		{"with the nonce of the send", half, change(second, func(e *event) { e.Nonce-- }), half, ""},
		{"without nonces", half, change(second, func(e *event) { e.Nonce = 0 }), state{Phase: protocol.Clear, Settle: 10, Ever: true, Fence: 7, Quiet: 100, Due: 110}, "M4"},
		{"on another key", half, change(second, func(e *event) { e.Same = false }), half, ""},
		{"a moment too old", half, change(second, func(e *event) { e.Age++ }), state{Phase: protocol.Unknown, Settle: 10, Ever: true, Fence: 7, Quiet: 100, Due: 110}, "M5"},
		{
			"the first Absent, as soon as others are over",
			state{Phase: protocol.Doubt, Settle: 10, Quiet: 100}, event{Kind: protocol.FoundAbsent, At: 105, Asked: 100, Same: true},
			state{Phase: protocol.Half, Settle: 10, Quiet: 100, Due: 115}, "M4",
		},
		{
			"a moment earlier",
			state{Phase: protocol.Doubt, Settle: 10, Quiet: 100}, event{Kind: protocol.FoundAbsent, At: 105, Asked: 99, Same: true},
			state{Phase: protocol.Doubt, Settle: 10, Quiet: 100}, "",
		},
		{
			"a Settle for ever does not become none",
			state{Phase: protocol.Doubt, Settle: math.MaxInt64}, event{Kind: protocol.FoundAbsent, At: 1, Same: true},
			state{Phase: protocol.Half, Settle: math.MaxInt64, Due: math.MaxInt64}, "M4",
		},
		{
			"a replay in the last moment",
			state{Phase: protocol.Doubt, Window: 50, Foreign: true, Fence: 9}, event{Kind: protocol.Begun, First: 49, Nonce: 3},
			state{Phase: protocol.Sending, Window: 50, Replay: true, Fence: 9}, "M10",
		},
		{"a replay too late", state{Phase: protocol.Doubt, Window: 50}, event{Kind: protocol.Begun, First: 50}, state{Phase: protocol.Doubt, Window: 50}, ""},
		{
			"the return of a replay does not end the time of others",
			state{Phase: protocol.Sending, Replay: true, Quiet: 100}, event{Kind: protocol.Proved, At: 60},
			state{Phase: protocol.Doubt, Replay: true, Quiet: 100}, "M10",
		},
		{
			"what was sent is absent from its return on",
			state{Phase: protocol.Sending, Quiet: 10}, event{Kind: protocol.Unproved, At: 60},
			state{Phase: protocol.Doubt, Ever: true, Here: true, Quiet: 60}, "M3",
		},
		{
			"a turn that came after an hour",
			state{Phase: protocol.Clear, Ever: true}, event{Kind: protocol.Begun, Age: protocol.TooOld + 1},
			state{Phase: protocol.Unknown, Ever: true}, "M5",
		},
		{
			"and in the last moment of it",
			state{Phase: protocol.Clear, Ever: true}, event{Kind: protocol.Begun, Age: protocol.TooOld, Nonce: 4},
			state{Phase: protocol.Sending, Ever: true, Fence: 4}, "M6",
		},
		{"an end stays", state{Phase: protocol.Applied}, event{Kind: protocol.GaveUp}, state{Phase: protocol.Applied}, ""},
	} {
		got, taken := protocol.Payment.Step(row.from, row.on)
		assert.Equal(t, row.to, got, row.name)
		if row.rule == "" {
			assert.Nil(t, taken, row.name)
			continue
		}
		require.NotNil(t, taken, row.name)
		assert.Equal(t, row.rule, taken.Rule, row.name)
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	phases, kinds := map[string]bool{}, map[string]bool{}
	for p := protocol.Start; p <= protocol.Busy; p++ {
		phases[p.String()] = true
		assert.Equal(t, p >= protocol.Applied, p.Over(), p)
	}
	for k := protocol.HeldNothing; k <= protocol.GaveUp; k++ {
		kinds[k.String()] = true
	}
	assert.Len(t, phases, int(protocol.Busy)+1)
	assert.Len(t, kinds, int(protocol.GaveUp)+1)
	assert.Equal(t, "Start", protocol.Phase(0).String())
	assert.Equal(t, "Phase(12)", (protocol.Busy + 1).String())
	assert.Equal(t, "HeldNothing", protocol.Kind(0).String())
	assert.Equal(t, "Kind(16)", (protocol.GaveUp + 1).String())
}

func TestRowString(t *testing.T) {
	t.Parallel()
	guards := []protocol.Guard{{Name: "behind"}, {Name: "Settle later"}}
	for want, row := range map[string]protocol.Row{
		"Doubt GaveUp → Unknown (M5)":                            {From: protocol.Doubt, On: protocol.GaveUp, To: protocol.Unknown, Rule: "M5"},
		"Doubt FoundAbsent [behind] → Half (M4)":                 {From: protocol.Doubt, On: protocol.FoundAbsent, If: guards[:1], To: protocol.Half, Rule: "M4"},
		"Half FoundAbsent [behind, Settle later] → Unknown (M5)": {From: protocol.Half, On: protocol.FoundAbsent, If: guards, To: protocol.Unknown, Rule: "M5"},
	} {
		assert.Equal(t, want, row.String())
	}
	for i := range protocol.Payment {
		row := &protocol.Payment[i]
		assert.NotEmpty(t, row.Why, row)
		assert.Regexp(t, `^M([1-9]|10)$`, row.Rule, row)
	}
}

func TestLater(t *testing.T) {
	t.Parallel()
	const most = time.Duration(math.MaxInt64)
	for _, row := range []struct{ from, by, want time.Duration }{
		{0, 0, 0}, {3, 4, 7}, {3, -4, -1}, {most, 0, most}, {most - 1, 1, most}, {most, 1, most}, {1, most, most}, {most, most, most}, {-1, most, most - 1},
	} {
		assert.Equal(t, row.want, protocol.Later(row.from, row.by), row)
	}
}

// A trail keeps the first eight rows and the last eight.
func TestTrail(t *testing.T) {
	t.Parallel()
	var trail protocol.Trail
	assert.Empty(t, trail.Last())
	assert.Empty(t, trail.Strings())
	var all []string
	for i := range 20 {
		row := &protocol.Row{Rule: strconv.Itoa(i)}
		trail.Add(row)
		all = append(all, row.String())
		assert.Equal(t, row.String(), trail.Last())
	}
	assert.Equal(t, append(all[:8:8], all[12:]...), trail.Strings())
}
