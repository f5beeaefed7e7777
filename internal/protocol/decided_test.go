package protocol_test

import (
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// decided are the mutants of the driver's decisions. No walk can judge that an age
// is not less than it is, that a Begin is known by its number as well as by its
// owner, who is another for each, and that some errors do end the looking: there
// are tests of their own.
func decided() (all []*mutant) {
	type decisions = protocol.Decisions
	type evidence = protocol.Evidence
	type generation = protocol.Generation
	real := protocol.Decide
	for _, m := range []struct {
		name   string
		change func(d *decisions)
	}{
		{"nothing is proof", func(d *decisions) { d.Proved = func(evidence) bool { return false } }},
		{"the verdict is proof", func(d *decisions) { d.Proved = func(e evidence) bool { return e.Claimed } }},
		{"a refused nonce is proof", func(d *decisions) {
			d.Proved = func(e evidence) bool { e.Resync = false; return real.Proved(e) }
		}},
		{"a refusal after a second connection is proof", func(d *decisions) {
			d.Proved = func(e evidence) bool { e.Got = min(e.Got, 1); return real.Proved(e) }
		}},
		{"a refused connection is proof", func(d *decisions) {
			d.Proved = func(e evidence) bool { e.Unsent = e.Claimed; return real.Proved(e) }
		}},
		{"another call's error is proof", func(d *decisions) {
			d.Proved = func(e evidence) bool { e.Nested = false; return real.Proved(e) }
		}},
		{"what is left out does not matter", func(d *decisions) {
			d.Proved = func(e evidence) bool { e.Trimmed = false; return real.Proved(e) }
		}},
		{"a Begin is taken for this call's by its number alone", func(d *decisions) {
			d.Taken = func(asked, held generation) bool { return held.Number == asked.Number+1 }
		}},
		{"a Begin may come late", func(d *decisions) { d.InTime = func(time.Duration) bool { return true } }},
		{"others get no time for the journal", func(d *decisions) { d.Quiet = func(takes time.Duration) time.Duration { return takes } }},
		{"others get no time to send", func(d *decisions) {
			d.Quiet = func(time.Duration) time.Duration { return protocol.JournalTime }
		}},
		{"replays while the first Begin of another is on its way", func(d *decisions) {
			d.Window = func(idempotent, takes, settle time.Duration) time.Duration {
				return real.Window(idempotent, takes, settle) + protocol.JournalTime
			}
		}},
		{"replays until the key is forgotten", func(d *decisions) {
			d.Window = func(idempotent, _, _ time.Duration) time.Duration { return idempotent }
		}},
		{"replays by any clock", func(d *decisions) {
			d.Window = func(idempotent, takes, settle time.Duration) time.Duration {
				return real.Window(idempotent, takes, settle) + protocol.Clocks
			}
		}},
		{"no replays", func(d *decisions) { d.Window = func(_, _, _ time.Duration) time.Duration { return 0 } }},
		{"Absent with an error counts", func(d *decisions) {
			d.Found = func(applied, absent, _ bool) (protocol.Kind, bool) { return real.Found(applied, absent, false) }
		}},
		{"Applied with an error does not count", func(d *decisions) {
			d.Found = func(applied, absent, failed bool) (protocol.Kind, bool) {
				return real.Found(applied && !failed, absent, failed)
			}
		}},
		{"a bare status ends the looking", func(d *decisions) { d.EndsLooking = func(fatal, _ bool) bool { return fatal } }},
		{"any code ends the looking", func(d *decisions) { d.EndsLooking = func(_, coded bool) bool { return coded } }},
	} {
		d := real
		m.change(&d)
		all = append(all, &mutant{name: m.name, table: protocol.Payment, decide: d})
	}
	return all
}
