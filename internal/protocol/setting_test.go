package protocol_test

import (
	"strings"

	"github.com/nexpay-go/resilience/internal/long"
)

// past is what an earlier process left.
type past uint8

const (
	nothing    past = iota
	open            // an entry, and a send that may be under way
	lost            // the same, but the journal has lost the entry
	applied         // an entry that says so
	notApplied      // an entry that says so
)

// A setting is what stays as it is in a world.
type setting struct {
	strict    bool // the bank refuses low nonces: a late copy may come at any time
	replays   bool // the bank keeps keys for a while
	lookFirst bool
	other     bool // the second process has another fingerprint
	alone     bool // one process, and no journal
	past      past
}

func (s setting) String() string {
	all := []string{[...]string{"nothing", "open", "lost", "applied", "not applied"}[s.past]}
	for _, o := range []struct {
		on   bool
		name string
	}{{s.strict, "strict nonces"}, {s.replays, "replays"}, {s.lookFirst, "look first"}, {s.other, "another fingerprint"}, {s.alone, "no journal"}} {
		if o.on {
			all = append(all, o.name)
		}
	}
	return strings.Join(all, ", ")
}

// settings are all that there can be, but for those that add nothing to others:
// what was begun is not looked for first, what did not happen is no more than
// nothing where no key is kept, and where one is, it has more in it than nothing.
func settings() (all []setting) {
	for bits := range 1 << 5 {
		s := setting{alone: bits&16 == 0, other: bits&8 != 0, strict: bits&4 != 0, lookFirst: bits&2 != 0, replays: bits&1 != 0}
		for s.past = nothing; s.past <= notApplied; s.past++ {
			if s.possible() {
				all = append(all, s)
			}
		}
	}
	return all
}

func (s setting) possible() bool {
	switch {
	case long.Tests() && !s.alone:
		return s.past != lost || s.lookFirst
	case s.alone:
		return s.past == nothing && !s.other
	case s.other:
		return s.past != lost && !s.lookFirst
	case s.lookFirst:
		return s.past == lost
	case s.replays:
		return s.past == open || s.past == notApplied && !s.strict
	}
	return s.past == nothing || s.past == open || s.past == applied
}
