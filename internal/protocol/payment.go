package protocol

import (
	"math"
	"time"
)

// The guards.
var (
	lookFirst = Guard{"look first", func(s *State, _ *Event) bool { return s.LookFirst }}
	open      = Guard{"open or applied", func(_ *State, e *Event) bool { return e.Open }}
	through   = Guard{"it happened", func(_ *State, e *Event) bool { return e.Through }}
	tooOld    = Guard{"doubt > 1 h", func(s *State, e *Event) bool { return s.Ever && e.Age > TooOld }}
	fresh     = Guard{"doubt ≤ 1 h", func(_ *State, e *Event) bool { return e.Age <= TooOld }}
	young     = Guard{"within the window", func(s *State, e *Event) bool { return e.First < s.Window }}
	replay    = Guard{"of a replay", func(s *State, _ *Event) bool { return s.Replay }}
	ever      = Guard{"ever in doubt", func(s *State, _ *Event) bool { return s.Ever }}
	last      = Guard{"refused for good", func(_ *State, e *Event) bool { return e.Last }}
	here      = Guard{"sent here", func(s *State, _ *Event) bool { return s.Here }}
	due       = Guard{"Settle later", func(s *State, e *Event) bool { return e.Asked >= s.Due }}
	old       = Guard{"others may have continued", func(_ *State, e *Event) bool { return e.Old }}
	window    = Guard{"replays allowed", func(s *State, _ *Event) bool { return s.Window > 0 }}

	// behind: with the key of the operation and a nonce above all nonces that it was sent
	// with, so that late copies are fenced off, and after the time in which anybody may
	// still be sending.
	behind = Guard{"behind", func(s *State, e *Event) bool {
		return e.Same && (e.Nonce == 0 || e.Nonce > s.Fence) && e.Asked >= s.Quiet
	}}
)

// The effects.
var (
	noteEver    = Effect{"ever", func(s *State, _ *Event) { s.Ever = true }}
	noteHere    = Effect{"sent here", func(s *State, _ *Event) { s.Here = true }}
	noteForeign = Effect{"of another process", func(s *State, _ *Event) { s.Foreign = true }}
	noteOurs    = Effect{"of this call", func(s *State, _ *Event) { s.Foreign = false }}
	noteReplay  = Effect{"a replay", func(s *State, _ *Event) { s.Replay = true }}
	noteFirst   = Effect{"no replay", func(s *State, _ *Event) { s.Replay = false }}
	noteLost    = Effect{"value lost", func(s *State, _ *Event) { s.Lost = true }}
	noteFence   = Effect{"fence", func(s *State, e *Event) { s.Fence = max(s.Fence, e.Nonce) }}
	quietUntil  = Effect{"quiet", func(s *State, e *Event) { s.Quiet = e.Quiet }}
	dueLater    = Effect{"due", func(s *State, e *Event) { s.Due = Later(e.At, s.Settle) }}

	// quietNow: this call's send has returned. The sends of others need not have: a call
	// that replayed an inherited operation may get its answer before the first owner does.
	quietNow = Effect{"returned", func(s *State, e *Event) { s.Quiet = max(s.Quiet, e.At) }}
)

// Later returns t+d, saturated at the largest Duration: an infinite Settle must not become
// none.
func Later(t, d time.Duration) time.Duration {
	if sum := t + d; d <= 0 || sum >= t {
		return sum
	}
	return math.MaxInt64
}

// Payment is the table of retry.DoOnce. Only tests change it.
var Payment = Table{
	{Start, HeldNothing, []Guard{lookFirst}, Doubt, []Effect{noteEver, quietUntil}, "M6", "journal entries may have been lost: it may have been sent"},
	{Start, HeldNothing, nil, Clear, nil, "M6", "the journal is read before anything is sent"},
	{Start, HeldOpen, nil, Doubt, []Effect{noteEver, noteForeign, noteFence, quietUntil}, "M6", "it may have been sent: look it up; a result counts after the other process's time is over"},
	{Start, HeldApplied, nil, Fetch, nil, "M6", "it happened already: not sent again"},
	{Start, HeldOther, []Guard{open}, Unknown, nil, "M6", "another request has this ID: the outcome of this one is unknown"},
	{Start, HeldOther, nil, NotApplied, nil, "M6", "another request has this ID, and it was not applied"},
	{Start, JournalFailed, nil, Unknown, nil, "M6", "nothing was sent"},

	{Clear, Begun, []Guard{tooOld}, Unknown, nil, "M5", "in doubt for more than an hour when its turn came: not sent again"},
	{Clear, Begun, nil, Sending, []Effect{noteFence, noteOurs, noteFirst}, "M6", "Begin is called before every send"},
	{Clear, HeldOther, []Guard{open}, Unknown, nil, "M6", "another request took this ID in the meantime"},
	{Clear, HeldOther, nil, NotApplied, nil, "M6", "another request has this ID, and it was not applied"},
	{Clear, Overtaken, []Guard{through}, Fetch, nil, "M6", "the other call has completed it"},
	{Clear, Overtaken, nil, Busy, nil, "M6", "only one of two calls with the same ID may send"},
	{Clear, JournalFailed, nil, Unknown, nil, "M6", "nothing was sent"},
	{Clear, Stopped, []Guard{ever, last}, Denied, []Effect{quietNow}, "M4", "after doubt, a refusal is looked up before it is reported"},
	{Clear, Stopped, nil, Closing, nil, "M2", "nothing that was sent can have taken effect"},

	{Sending, Succeeded, nil, Applied, nil, "M8", "a success counts even after a cancellation"},
	{Sending, Proved, []Guard{replay}, Doubt, []Effect{quietNow}, "M10", "the refusal proves something about the replay only"},
	{Sending, Proved, []Guard{ever, last}, Denied, []Effect{quietNow}, "M4", "after doubt, a refusal is looked up before it is reported"},
	{Sending, Proved, nil, Clear, nil, "M3", "the refusal proves that it changed nothing"},
	{Sending, Unproved, nil, Doubt, []Effect{noteEver, noteHere, quietNow}, "M3", "no proof; a panic, an exit or a timeout is none either"},
	{Sending, Unsent, []Guard{replay}, Doubt, []Effect{quietNow}, "M10", "the doubt remains"},
	{Sending, Unsent, nil, Closing, nil, "M2", "it was begun, but not sent"},

	{Doubt, FoundApplied, nil, Applied, nil, "M4", "found by a lookup, with any key"},
	{Doubt, FoundAbsent, []Guard{behind}, Half, []Effect{dueLater}, "M4", "not found once"},
	{Doubt, Begun, []Guard{young}, Sending, []Effect{noteFence, noteOurs, noteReplay}, "M10", "the idempotency key prevents a second effect"},
	{Doubt, Overtaken, []Guard{through}, Fetch, nil, "M6", "the other call knows that it happened"},
	{Doubt, Overtaken, []Guard{here}, Unknown, nil, "M6", "the other call decides; what this call sent may have happened"},
	{Doubt, Overtaken, nil, Busy, nil, "M6", "the other call is handling it"},
	{Doubt, GaveUp, nil, Unknown, nil, "M5", "the outcome is unknown: not sent again"},

	{Half, FoundApplied, nil, Applied, nil, "M4", "found by a lookup, with any key"},
	{Half, FoundAbsent, []Guard{behind, due, fresh}, Clear, nil, "M4", "not found twice, Settle apart"},
	{Half, FoundAbsent, []Guard{behind, due}, Unknown, nil, "M5", "not found, but too old to be sent again"},
	{Half, GaveUp, nil, Unknown, nil, "M5", "the outcome is unknown: not sent again"},

	{Denied, FoundApplied, nil, Applied, nil, "M4", "found, in spite of the refusal"},
	{Denied, FoundAbsent, []Guard{behind}, Closing, nil, "M4", "not found: the refusal is confirmed"},
	{Denied, GaveUp, nil, Unknown, nil, "M5", "no lookup confirmed the refusal"},

	{Fetch, FoundApplied, nil, Applied, nil, "M6", "found, with its value"},
	{Fetch, GaveUp, nil, Applied, []Effect{noteLost}, "M2", "it happened; its value is lost"},

	{Closing, Begun, nil, Closing, []Effect{noteOurs}, "M6", "this call owns it now: the previous owner cannot send it"},
	{Closing, Closed, nil, NotApplied, nil, "M8", "the journal has stored it, or there is no journal"},
	{Closing, Overtaken, []Guard{through}, Fetch, nil, "M6", "the other call has completed it"},
	{Closing, Overtaken, nil, Busy, nil, "M8", "the other call decides its outcome"},
	{Closing, JournalFailed, []Guard{ever}, Unknown, nil, "M8", "after doubt another call may have continued"},
	{Closing, JournalFailed, []Guard{old}, Unknown, nil, "M8", "another call may have taken it over"},
	{Closing, JournalFailed, []Guard{window}, Unknown, nil, "M10", "another call may have replayed it at once"},
	{Closing, JournalFailed, nil, NotApplied, nil, "M8", "no other call can have continued yet"},
}
