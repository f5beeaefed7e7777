package oracle_test

import (
	"runtime"
	"testing"
)

// A schedule goes the same way every time, or a seed would be worth nothing. Where
// there are breakers that is nearly so: how long that of the lookups stays open has a
// jitter which nobody can repeat.
func TestReplay(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for s := range uint64(500) {
		if newPlan(s).trip > 0 {
			continue
		}
		first, again := run(t, s, true), run(t, s, true)
		if first.story() != again.story() {
			t.Fatalf("seed %d:\n%s\nand then\n%s", s, first.story(), again.story())
		}
	}
}
