// Package codes finds what belongs to an error code.
package codes

import "math/bits"

// A Table finds the entry for a code among many in the time it takes among few:
// half of its slots are empty. (A map takes twice as long.) The zero Table is empty.
// It does not change, and is safe for concurrent use.
type Table[V any] struct {
	slots []slot[V]
	shift uint8 // leaves of a hash as many bits as number the slots
}

type slot[V any] struct {
	code  int
	entry *V // nil: the slot is empty
}

// Make makes the table of n entries: of each, at tells code and entry. No two have
// the same code.
func Make[V any](n int, at func(i int) (int, *V)) Table[V] {
	width := bits.Len(uint(2*n + 1))
	t := Table[V]{slots: make([]slot[V], 1<<width), shift: uint8(64 - width)}
	for n := range n {
		code, entry := at(n)
		i := t.home(code)
		for t.slots[i].entry != nil {
			i = t.next(i)
		}
		t.slots[i] = slot[V]{code, entry}
	}
	return t
}

// Find returns nil where there is none.
func (t *Table[V]) Find(code int) *V {
	if len(t.slots) == 0 {
		return nil
	}
	for i := t.home(code); ; i = t.next(i) {
		if s := &t.slots[i]; s.code == code || s.entry == nil {
			return s.entry
		}
	}
}

// home is where the slots of a code begin: its product with the golden ratio
// scatters codes that follow a pattern, as all do.
func (t *Table[V]) home(code int) int { return int(uint64(code) * 0x9e3779b97f4a7c15 >> t.shift) }

func (t *Table[V]) next(i int) int { return (i + 1) & (len(t.slots) - 1) }
