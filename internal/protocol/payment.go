package protocol

import (
	"math"
	"time"
)

// The guards.
var (
	lookFirst = Guard{"look first", func(s *State, _ *Event) bool { return s.LookFirst }}
	open      = Guard{"open or applied", func(_ *State, e *Event) bool { return e.Open }}
	through   = Guard{"it is through", func(_ *State, e *Event) bool { return e.Through }}
	tooOld    = Guard{"doubt > 1 h", func(s *State, e *Event) bool { return s.Ever && e.Age > TooOld }}
	fresh     = Guard{"doubt ≤ 1 h", func(_ *State, e *Event) bool { return e.Age <= TooOld }}
	young     = Guard{"within the window", func(s *State, e *Event) bool { return e.First < s.Window }}
	replay    = Guard{"of a replay", func(s *State, _ *Event) bool { return s.Replay }}
	ever      = Guard{"ever in doubt", func(s *State, _ *Event) bool { return s.Ever }}
	last      = Guard{"refused for good", func(_ *State, e *Event) bool { return e.Last }}
	here      = Guard{"sent here", func(s *State, _ *Event) bool { return s.Here }}
	due       = Guard{"Settle later", func(s *State, e *Event) bool { return e.Asked >= s.Due }}
	old       = Guard{"others may have gone on", func(_ *State, e *Event) bool { return e.Old }}
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
	{Start, HeldNothing, []Guard{lookFirst}, Doubt, []Effect{noteEver, quietUntil}, "M6", "somebody knows of a loss: what the journal does not hold may have been sent"},
	{Start, HeldNothing, nil, Clear, nil, "M6", "read first"},
	{Start, HeldOpen, nil, Doubt, []Effect{noteEver, noteForeign, noteFence, quietUntil}, "M6", "begin by looking; nothing counts until the time of other processes is over"},
	{Start, HeldApplied, nil, Fetch, nil, "M6", "never sent"},
	{Start, HeldOther, []Guard{open}, Unknown, nil, "M6", "another fingerprint: nobody can say what happened to this one"},
	{Start, HeldOther, nil, NotApplied, nil, "M6", "another fingerprint, and nothing of it applied"},
	{Start, JournalFailed, nil, Unknown, nil, "M6", "nothing sent"},

	{Clear, Begun, []Guard{tooOld}, Unknown, nil, "M5", "it waited too long for its turn"},
	{Clear, Begun, nil, Sending, []Effect{noteFence, noteOurs, noteFirst}, "M6", "Begin before every send"},
	{Clear, HeldOther, []Guard{open}, Unknown, nil, "M6", "another fingerprint came in between"},
	{Clear, HeldOther, nil, NotApplied, nil, "M6", "another fingerprint, and nothing of it applied"},
	{Clear, Overtaken, []Guard{through}, Fetch, nil, "M6", "the other one has done it"},
	{Clear, Overtaken, nil, Busy, nil, "M6", "two with one ID cannot both send"},
	{Clear, JournalFailed, nil, Unknown, nil, "M6", "nothing sent"},
	{Clear, Stopped, []Guard{ever, last}, Denied, []Effect{quietNow}, "M4", "before a denial that follows doubt, ask"},
	{Clear, Stopped, nil, Closing, nil, "M2", "nothing sent can have taken effect"},

	{Sending, Succeeded, nil, Applied, nil, "M8", "even if it was canceled"},
	{Sending, Proved, []Guard{replay}, Doubt, []Effect{quietNow}, "M10", "a refusal speaks for the replay alone"},
	{Sending, Proved, []Guard{ever, last}, Denied, []Effect{quietNow}, "M4", "before a denial that follows doubt, ask"},
	{Sending, Proved, nil, Clear, nil, "M3", "proved to have changed nothing"},
	{Sending, Unproved, nil, Doubt, []Effect{noteEver, noteHere, quietNow}, "M3", "a panic, an exit and a cut-off are unproved as well"},
	{Sending, Unsent, []Guard{replay}, Doubt, []Effect{quietNow}, "M10", "the doubt stands"},
	{Sending, Unsent, nil, Closing, nil, "M2", "begun, and not sent"},

	{Doubt, FoundApplied, nil, Applied, nil, "M4", "from any key"},
	{Doubt, FoundAbsent, []Guard{behind}, Half, []Effect{dueLater}, "M4", "once"},
	{Doubt, Begun, []Guard{young}, Sending, []Effect{noteFence, noteOurs, noteReplay}, "M10", "the API keeps it from happening twice"},
	{Doubt, Overtaken, []Guard{through}, Fetch, nil, "M6", "the other one knows that it happened"},
	{Doubt, Overtaken, []Guard{here}, Unknown, nil, "M6", "the other one knows; what this call sent may have happened"},
	{Doubt, Overtaken, nil, Busy, nil, "M6", "the other one is at it"},
	{Doubt, GaveUp, nil, Unknown, nil, "M5", "never a resend"},

	{Half, FoundApplied, nil, Applied, nil, "M4", "from any key"},
	{Half, FoundAbsent, []Guard{behind, due, fresh}, Clear, nil, "M4", "twice, Settle apart"},
	{Half, FoundAbsent, []Guard{behind, due}, Unknown, nil, "M5", "too old to be sent again"},
	{Half, GaveUp, nil, Unknown, nil, "M5", "never a resend"},

	{Denied, FoundApplied, nil, Applied, nil, "M4", "Applied wins over the denial"},
	{Denied, FoundAbsent, []Guard{behind}, Closing, nil, "M4", "the denial is the truth"},
	{Denied, GaveUp, nil, Unknown, nil, "M5", "nobody could be asked"},

	{Fetch, FoundApplied, nil, Applied, nil, "M6", "with its value"},
	{Fetch, GaveUp, nil, Applied, []Effect{noteLost}, "M2", "its value is lost"},

	{Closing, Begun, nil, Closing, []Effect{noteOurs}, "M6", "its first owner cannot send it any more"},
	{Closing, Closed, nil, NotApplied, nil, "M8", "the journal agrees, or there is none"},
	{Closing, Overtaken, []Guard{through}, Fetch, nil, "M6", "the other one has done it"},
	{Closing, Overtaken, nil, Busy, nil, "M8", "what becomes of it the other one knows"},
	{Closing, JournalFailed, []Guard{ever}, Unknown, nil, "M8", "after doubt another may have gone on"},
	{Closing, JournalFailed, []Guard{old}, Unknown, nil, "M8", "another may have taken it over"},
	{Closing, JournalFailed, []Guard{window}, Unknown, nil, "M10", "another may have replayed it at once"},
	{Closing, JournalFailed, nil, NotApplied, nil, "M8", "nobody else can have gone on yet"},
}
