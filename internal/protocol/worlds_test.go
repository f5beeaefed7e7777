package protocol_test

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/internal/protocol"
)

// fewest is how many worlds there are at least.
const fewest = 850_000

// tally is what all walks come to.
type tally struct {
	mu     sync.Mutex // guards all below
	worlds int
	fired  map[*protocol.Row]bool
}

func (c *tally) add(x *walk) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.worlds += len(x.worlds)
	for row := range x.fired {
		c.fired[row] = true
	}
}

// Every world of two sends and two processes keeps the rules, and no row can be
// changed without a world in which one of them is broken. With -long all mutants are
// tried, and the settings that add nothing to others are walked too.
func TestWalk(t *testing.T) {
	all, sum := mutants(), tally{fired: map[*protocol.Row]bool{}}
	if !long.Tests() {
		all = sampled(all)
	}
	t.Run("settings", func(t *testing.T) {
		for _, s := range settings() {
			if raceEnabled && !s.alone && !s.other {
				continue // nothing runs at the same time in it, and it takes long
			}
			t.Run(s.String(), func(t *testing.T) {
				t.Parallel()
				x := newWalk(s, protocol.Payment, protocol.Decide)
				x.explore()
				require.Empty(t, x.found, s)
				sum.add(x)
				for _, m := range all {
					if !m.found.Load() && x.breaks(m) {
						m.found.Store(true)
					}
				}
			})
		}
	})
	if t.Failed() || raceEnabled {
		return
	}
	t.Logf("%d worlds, %d mutants of %d rows", sum.worlds, len(all), len(protocol.Payment))
	assert.GreaterOrEqual(t, sum.worlds, fewest)
	for i := range protocol.Payment {
		row := &protocol.Payment[i]
		assert.True(t, sum.fired[row], "in no world: %v", row)
	}
	known := 0
	for _, m := range all {
		why := harmless[m.name]
		if why != "" {
			known++
		}
		assert.Equal(t, why == "", m.found.Load(), "found, or harmless: %s", m.name)
	}
	if long.Tests() {
		assert.Len(t, harmless, known)
	}
}

// sampled is one in ten of them.
func sampled(all []*mutant) (some []*mutant) {
	for i := 0; i < len(all); i += 10 {
		some = append(some, all[i])
	}
	return some
}

// breaks reports whether a mutant breaks a rule in the setting of x.
func (x *walk) breaks(m *mutant) bool {
	if m.feed != nil {
		return x.mutant(m.table, *m.feed) != ""
	}
	y := newWalk(x.set, m.table, m.decide)
	y.explore()
	return y.found != ""
}
