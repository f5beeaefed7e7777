package oracle_test

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
)

// telling are seeds of schedules that have found mutants out. Should the model
// change, they are seeds like any other.
var telling = []uint64{
	0, 3, 6, 7, 46, 21, 31, 39, 4, 55, 102, 1, 8, 419, 535, 1958, 2, 5, 9, 29, 80, 185, 217, 616, 787, 1129, 1412,
	2078, 10, 33, 64, 75, 93, 101, 120, 137, 139, 156, 212, 358, 365, 388, 391, 402, 421, 472, 483, 516, 542, 584,
	644, 649, 895, 1016, 1318, 1743, 1931, 3284, 3666, 3861, 5420, 22769, 1979, 10976,
	218, 1459, 1985, 3029, 6206, 6484,
}

// rowMutants break each row: it is not there, one of its guards or effects is not,
// or it leads somewhere else.
func rowMutants() (all []mutant) {
	for i := range protocol.Payment {
		row := &protocol.Payment[i]
		edit := func(how string, change func(protocol.Table, *protocol.Row) protocol.Table) {
			table := slices.Clone(protocol.Payment)
			all = append(all, mutant{fmt.Sprintf("%v: %s", row, how), change(table, &table[i]), protocol.Decide})
		}
		edit("gone", func(t protocol.Table, _ *protocol.Row) protocol.Table { return slices.Delete(t, i, i+1) })
		for j, g := range row.If {
			edit("without ["+g.Name+"]", func(t protocol.Table, r *protocol.Row) protocol.Table {
				r.If = slices.Delete(slices.Clone(r.If), j, j+1)
				return t
			})
		}
		for j, e := range row.Then {
			edit("does not note "+e.Name, func(t protocol.Table, r *protocol.Row) protocol.Table {
				r.Then = slices.Delete(slices.Clone(r.Then), j, j+1)
				return t
			})
		}
		if to, ok := elsewhere[row.To]; ok {
			edit("leads to "+to.String(), func(t protocol.Table, r *protocol.Row) protocol.Table {
				r.To = to
				return t
			})
		}
	}
	return all
}

// elsewhere is the tempting phase in the place of the right one.
var elsewhere = map[protocol.Phase]protocol.Phase{
	protocol.Doubt:      protocol.Clear,
	protocol.Half:       protocol.Clear,
	protocol.Denied:     protocol.Closing,
	protocol.Fetch:      protocol.Clear,
	protocol.Closing:    protocol.NotApplied,
	protocol.Applied:    protocol.Unknown,
	protocol.NotApplied: protocol.Applied,
	protocol.Unknown:    protocol.NotApplied,
	protocol.Busy:       protocol.NotApplied,
}

// decisionMutants decide otherwise.
func decisionMutants() (all []mutant) {
	edit := func(name string, change func(*protocol.Decisions)) {
		d := protocol.Decide
		change(&d)
		all = append(all, mutant{name, protocol.Payment, d})
	}
	for name, blind := range evidence {
		edit("proof: "+name, func(d *protocol.Decisions) {
			right := d.Proved
			d.Proved = func(e protocol.Evidence) bool {
				blind(&e)
				return right(e)
			}
		})
	}
	slices.SortFunc(all, func(a, b mutant) int { return cmpNames(a, b) })
	for _, m := range others {
		edit(m.name, m.change)
	}
	return all
}

func cmpNames(a, b mutant) int {
	if a.name < b.name {
		return -1
	}
	return 1
}

// evidence is what may be overlooked, or seen where it is not.
var evidence = map[string]func(*protocol.Evidence){
	"nothing repeats requests, whoever says so":              func(e *protocol.Evidence) { e.NoReplay = true },
	"nobody is believed that nothing repeats requests":       func(e *protocol.Evidence) { e.NoReplay = false },
	"every verdict claims it":                                func(e *protocol.Evidence) { e.Claimed = true },
	"no verdict claims it":                                   func(e *protocol.Evidence) { e.Claimed = false },
	"every error knows that nothing was written":             func(e *protocol.Evidence) { e.Unsent = true },
	"no error knows that nothing was written":                func(e *protocol.Evidence) { e.Unsent = false },
	"every answer is a refusal":                              func(e *protocol.Evidence) { e.Refused = true },
	"no answer is a refusal":                                 func(e *protocol.Evidence) { e.Refused = false },
	"a refused nonce is a refusal like any other":            func(e *protocol.Evidence) { e.Resync = false },
	"the error of another call is one's own":                 func(e *protocol.Evidence) { e.Nested = false },
	"what was left out does not matter":                      func(e *protocol.Evidence) { e.Trimmed = false },
	"a second connection is overlooked":                      func(e *protocol.Evidence) { e.Got = min(e.Got, 1) },
	"every connection is overlooked":                         func(e *protocol.Evidence) { e.Got = 0 },
	"connections that were asked for in vain are overlooked": func(e *protocol.Evidence) { e.Asked = 0 },
	"a connection was asked for, though nobody tells":        func(e *protocol.Evidence) { e.Asked = max(e.Asked, 1) },
}

// others are the rest of the decisions, each wrong in a way that comes to mind.
var others = []struct {
	name   string
	change func(*protocol.Decisions)
}{
	{"taken: whose Begin it was is not compared", func(d *protocol.Decisions) {
		d.Taken = func(asked, held protocol.Generation) bool { return held.Number == asked.Number+1 }
	}},
	{"taken: the generation is not compared", func(d *protocol.Decisions) {
		d.Taken = func(protocol.Generation, protocol.Generation) bool { return true }
	}},
	{"taken: never", func(d *protocol.Decisions) {
		d.Taken = func(protocol.Generation, protocol.Generation) bool { return false }
	}},
	{"in time: always", func(d *protocol.Decisions) { d.InTime = func(time.Duration) bool { return true } }},
	{"in time: never", func(d *protocol.Decisions) { d.InTime = func(time.Duration) bool { return false } }},
	{"quiet: at once", func(d *protocol.Decisions) { d.Quiet = func(time.Duration) time.Duration { return 0 } }},
	{"quiet: without the journal's time", func(d *protocol.Decisions) {
		d.Quiet = func(takes time.Duration) time.Duration { return takes }
	}},
	{"quiet: only the journal's time", func(d *protocol.Decisions) {
		d.Quiet = func(time.Duration) time.Duration { return protocol.JournalTime }
	}},
	{"window: for ever", func(d *protocol.Decisions) {
		d.Window = func(_, _, _ time.Duration) time.Duration { return math.MaxInt64 }
	}},
	{"window: as long as the keys are kept", func(d *protocol.Decisions) {
		d.Window = func(idempotent, _, _ time.Duration) time.Duration { return idempotent }
	}},
	{"window: without the time that a send takes", func(d *protocol.Decisions) {
		right := d.Window
		d.Window = func(idempotent, _, settle time.Duration) time.Duration { return right(idempotent, 0, settle) }
	}},
	{"window: without Settle", func(d *protocol.Decisions) {
		right := d.Window
		d.Window = func(idempotent, takes, _ time.Duration) time.Duration { return right(idempotent, takes, 0) }
	}},
	{"window: clocks do not differ", func(d *protocol.Decisions) {
		d.Window = func(idempotent, takes, settle time.Duration) time.Duration {
			return max(idempotent-protocol.Later(takes, settle), 0)
		}
	}},
	{"age: nothing is old", func(d *protocol.Decisions) {
		d.Age = func(time.Time, time.Time) time.Duration { return 0 }
	}},
	{"age: what comes from the future is young", func(d *protocol.Decisions) {
		d.Age = func(sent, now time.Time) time.Duration { return max(now.Round(0).Sub(sent.Round(0)), 0) }
	}},
	{"found: Absent with an error", func(d *protocol.Decisions) {
		right := d.Found
		d.Found = func(applied, absent, _ bool) (protocol.Kind, bool) { return right(applied, absent, false) }
	}},
	{"found: Undecided is Absent", func(d *protocol.Decisions) {
		right := d.Found
		d.Found = func(applied, _, failed bool) (protocol.Kind, bool) { return right(applied, true, failed) }
	}},
	{"found: Applied with an error is nothing", func(d *protocol.Decisions) {
		right := d.Found
		d.Found = func(applied, absent, failed bool) (protocol.Kind, bool) {
			return right(applied && !failed, absent, failed)
		}
	}},
	{"found: never Absent", func(d *protocol.Decisions) {
		right := d.Found
		d.Found = func(applied, _, failed bool) (protocol.Kind, bool) { return right(applied, false, failed) }
	}},
	{"ends looking: a bare status does", func(d *protocol.Decisions) {
		d.EndsLooking = func(fatal, _ bool) bool { return fatal }
	}},
	{"ends looking: any code does", func(d *protocol.Decisions) {
		d.EndsLooking = func(_, coded bool) bool { return coded }
	}},
	{"ends looking: nothing does", func(d *protocol.Decisions) { d.EndsLooking = func(_, _ bool) bool { return false } }},
}
