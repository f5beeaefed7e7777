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

// defaultMax is how many breakers a Group keeps by default; one takes about a kilobyte.
const defaultMax = 1000

// maxMax is the largest max that NewGroup accepts.
const maxMax = 1_000_000

// A Group keeps a [Breaker] for each endpoint, host or other part that fails
// independently, so that one that is down does not block the others. It makes breakers on
// demand and keeps a bounded number of them. When there is one too many, it removes the
// one least recently requested, with two exceptions:
//
//   - An isolated breaker is never removed. It does not count towards the limit, and
//     stays until it is reset.
//   - A breaker that is open, or has probes in flight, stays until that is over, as
//     long as such breakers that nobody requests take no more than half of the places.
//     Beyond that, the one whose time ends first is removed.
//
// So an isolated breaker stays, and any breaker stays while fewer others than half of the
// places were requested since it was last requested, whatever their states. An open
// breaker that was removed lets calls through when it is next requested, until enough of
// them have failed again.
//
// A caller that still holds a removed breaker may use it, and its leases may be reported,
// but Get makes a new one. Get costs the same whether the Group is full or not.
//
// The zero Group is ready to use: it keeps 1000 breakers, each with the zero Config. It
// is safe for concurrent use and must not be copied.
type Group struct {
	cfg Config
	max int // zero: defaultMax

	mu      sync.Mutex // guards what follows; a breaker's mu may be locked under it
	members map[string]*member

	// Each member is in one of these.
	used     chain // in the order of use
	kept     ends  // open or probing when least recently used; used less recently than all in used
	isolated chain // in the order in which they are checked again
}

// NewGroup returns a Group whose breakers use cfg. It keeps up to max breakers, isolated
// ones not counted; zero means 1000, and the maximum is 1,000,000. (If very many are open
// at once, it may exceed max by a hundredth for a few calls of Get.) Config.Name, if set,
// precedes the name of each breaker: "bank payments". Config.OnStateChange is called for
// all of them: for each breaker in order and one at a time, for two breakers possibly at
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

// Get returns the breaker with that name, and makes it if there is none. Names should be
// few and not chosen by others: "payments" or a host (in one spelling, as retryhttp has
// it), not a URL. Unprintable characters are stripped from a name, and 256 bytes are
// kept. For a known name Get allocates nothing.
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

// breaker makes a breaker with the Group's Config, which NewGroup has validated; the zero
// one is valid.
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

// All returns the current breakers by name, sorted by name: for dashboards, and for an
// operator who wants to isolate or reset one. It does not count as use.
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
