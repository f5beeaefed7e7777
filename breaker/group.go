package breaker

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/nexpay-go/resilience/internal/text"
)

// defaultMax is how many breakers a Group keeps unless it is told otherwise; one
// of them takes about a kilobyte.
const defaultMax = 1000

// maxMax is what a Group may be told.
const maxMax = 1_000_000

// A Group keeps a [Breaker] for each endpoint, host, or whatever else fails by
// itself, so that one that is down does not take the others with it. It makes them
// as they are asked for, and keeps a bounded number of them: where there is one too
// many, the one least recently asked for is forgotten. Except that
//
//   - one that was isolated, by a person, is never forgotten, and takes nobody's
//     place: it is kept besides the others until it is reset;
//   - one that is open now, or has probes out, is kept until that is over, as long
//     as such ones that nobody asks for have no more than half of the places. Of
//     more than that, the one whose time is over first goes.
//
// So what was isolated stays, and one that is asked for again before as many
// others as half of the places were asked for is still there, whatever state these
// are in. An open one that is forgotten lets calls through when it is next asked
// for, until enough of them have failed again.
//
// Who still holds a forgotten one may go on with it, and its leases are safe to
// report, but Get makes a new one. Get costs the same whether the Group is full
// or not.
//
// The zero Group is ready to use: it keeps 1000 breakers, each with the zero
// Config. It is safe for concurrent use and must not be copied.
type Group struct {
	cfg Config
	max int // zero: defaultMax

	mu      sync.Mutex // guards what follows; that of a breaker may be taken under it
	members map[string]*member

	// Each member is in one of these.
	used     chain // in the order of use
	kept     ends  // of no use but open, when they were the least recently used; less so than all in used
	isolated chain // in the order in which they are looked at again
}

// NewGroup returns a Group whose breakers have cfg, and which keeps max of them,
// those that are isolated not counted; zero means 1000. (Where very many were open
// at once it may be a hundredth more, for a few calls of Get.) Config.Name, if there
// is one, stands before the name of each: "bank payments". Config.OnStateChange
// hears of all of them: of each in order and one at a time, but of two it may hear at
// once. The error lists everything that is wrong.
func NewGroup(cfg Config, max int) (*Group, error) {
	cfg, err := cfg.resolve()
	if max < 0 || max > maxMax {
		err = errors.Join(err, fmt.Errorf("breaker: max %d is not between 1 and %d, nor zero for %d", max, maxMax, defaultMax))
	}
	if err != nil {
		return nil, err
	}
	return &Group{cfg: cfg, max: max}, nil
}

// Get returns the breaker of that name, a new one if there is none yet. Names
// should be few, and not of others' choosing: "payments" or a host (in one spelling, as retryhttp has it), not a URL. What
// is not printable is stripped from them, and 256 bytes are kept. For a name that is
// known Get allocates nothing.
func (g *Group) Get(name string) *Breaker {
	name = text.Line(name)
	g.mu.Lock()
	defer g.mu.Unlock()
	if m := g.members[name]; m != nil {
		g.use(m)
		return m.b
	}
	return g.add(name)
}

func (g *Group) add(name string) *Breaker {
	if g.members == nil {
		g.members = make(map[string]*member)
	}
	m := &member{name: name, b: g.breaker(name)}
	g.members[name] = m
	g.used.pushFront(m)
	g.trim()
	return m.b
}

// breaker makes one of the Group's Config, which NewGroup has found right, as the zero one is.
func (g *Group) breaker(name string) *Breaker {
	cfg, _ := g.cfg.resolve()
	switch {
	case cfg.Name == "":
		cfg.Name = name
	case name != "":
		cfg.Name += " " + name
	}
	return build(cfg)
}

// All returns the breakers that are there now, by name and in the order of their names: for dashboards, and for a person
// who wants to isolate or reset one. It counts as no use of them.
func (g *Group) All() iter.Seq2[string, *Breaker] {
	g.mu.Lock()
	members := make([]*member, 0, len(g.members))
	for _, m := range g.members {
		members = append(members, m)
	}
	g.mu.Unlock()
	slices.SortFunc(members, func(a, b *member) int { return cmp.Compare(a.name, b.name) })
	return func(yield func(string, *Breaker) bool) {
		for _, m := range members {
			if !yield(m.name, m.b) {
				return
			}
		}
	}
}
