package oracle_test

import (
	"runtime"
	"testing"
)

// A schedule goes the same way every time, or a seed would be worth nothing.
func TestReplay(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for s := range uint64(300) {
		first, again := run(t, s, true), run(t, s, true)
		if first.story() != again.story() {
			t.Fatalf("seed %d:\n%s\nand then\n%s", s, first.story(), again.story())
		}
	}
}
