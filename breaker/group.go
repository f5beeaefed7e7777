package breaker

import (
	"cmp"
	"container/list"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"

	"github.com/nexpay-go/resilience/internal/text"
)

// defaultMax is how many breakers a Group keeps unless it is told otherwise; one of them takes about a kilobyte.
const defaultMax = 1000

// maxMax is what a Group may be told.
const maxMax = 1_000_000

// A Group keeps a Breaker for each endpoint, host, or whatever else fails by itself, so that one that is down does not take
// the others with it. It makes them as they are asked for and keeps a bounded number of them: where one too many is, the
// least recently used that is closed is forgotten. One that is open or half-open is forgotten only if all are, and one that
// was isolated, by a person, only if all were. Who still holds a forgotten one may go on with it, but Get makes a new one.
//
// The zero Group is ready to use: it keeps 1000 breakers, each with the zero Config. It is safe for concurrent use and must
// not be copied.
type Group struct {
	cfg Config
	max int // zero: defaultMax

	mu      sync.Mutex
	members map[string]*list.Element
	used    list.List // of *member, the most recently used first
}

type member struct {
	name string
	b    *Breaker
}

// NewGroup returns a Group whose breakers have cfg, and which keeps max of them at most; zero means 1000. Config.Name, if
// there is one, stands before the name of each: "bank payments". Config.OnStateChange hears of all of them: of each in order
// and one at a time, but of two it may hear at once. The error lists everything that is wrong.
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

// Get returns the breaker of that name, a new one if there is none yet. Names should be few, and not of others' choosing:
// "payments" or a host, not a URL. What is not printable is stripped from them, and 256 bytes are kept. For a name that is
// known Get allocates nothing.
func (g *Group) Get(name string) *Breaker {
	name = text.Line(name)
	g.mu.Lock()
	defer g.mu.Unlock()
	if e, ok := g.members[name]; ok {
		g.used.MoveToFront(e)
		return e.Value.(*member).b
	}
	return g.add(name)
}

func (g *Group) add(name string) *Breaker {
	if g.members == nil {
		g.members = make(map[string]*list.Element)
	}
	if len(g.members) >= cmp.Or(g.max, defaultMax) {
		e := g.dispensable()
		delete(g.members, e.Value.(*member).name)
		g.used.Remove(e)
	}
	m := &member{name, g.breaker(name)}
	g.members[name] = g.used.PushFront(m)
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

// dispensable finds the breaker to forget. It looks at the states as they stand: to settle them would run hooks, under a
// lock.
func (g *Group) dispensable() *list.Element {
	var unisolated *list.Element
	for e := g.used.Back(); e != nil; e = e.Prev() {
		switch now := e.Value.(*member).b.gen.Load(); {
		case now.state == Closed:
			return e
		case unisolated == nil && !now.isolated:
			unisolated = e
		}
	}
	return cmp.Or(unisolated, g.used.Back())
}

// All returns the breakers that are there now, by name and in the order of their names: for dashboards, and for a person
// who wants to isolate or reset one. It counts as no use of them.
func (g *Group) All() iter.Seq2[string, *Breaker] {
	g.mu.Lock()
	members := make([]*member, 0, len(g.members))
	for e := g.used.Front(); e != nil; e = e.Next() {
		members = append(members, e.Value.(*member))
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
