package codes

import "math/bits"

// A Table finds the entry for an error code in constant time: half of its slots are
// empty. (A map takes longer, and more of a small stack.) The zero Table is empty. A
// Table is immutable and safe for concurrent use.
type Table[V any] struct {
	slots []slot[V] // a power of two
}

type slot[V any] struct {
	code  string
	entry *V // nil: the slot is empty
}

// Make returns the table of these entries by code.
func Make[K ~string, V any](entries map[K]*V) Table[V] {
	width := bits.Len(uint(2*len(entries) + 1))
	t := Table[V]{slots: make([]slot[V], 1<<width)}
	for code, entry := range entries {
		i := hash(string(code)) & t.last()
		for t.slots[i].entry != nil {
			i = (i + 1) & t.last()
		}
		t.slots[i] = slot[V]{string(code), entry}
	}
	return t
}

// Find returns the entry for a code, or nil if there is none.
func (t *Table[V]) Find(code string) *V {
	if len(t.slots) == 0 {
		return nil
	}
	for i := hash(code); ; i++ {
		if s := &t.slots[i&t.last()]; s.entry == nil || s.code == code {
			return s.entry
		}
	}
}

// Intern returns the table's own copy of a code, or "" if it has no entry. It does not
// retain its argument.
func (t *Table[V]) Intern(code string) string {
	if len(t.slots) == 0 {
		return ""
	}
	for i := hash(code); ; i++ {
		if s := &t.slots[i&t.last()]; s.entry == nil || s.code == code {
			return s.code
		}
	}
}

func (t *Table[V]) last() uint64 { return uint64(len(t.slots) - 1) }

// hash takes eight bytes at a time. The codes in the table are not chosen by whoever
// sends the codes that are looked up, so collisions cannot be provoked.
func hash(code string) uint64 {
	const prime = 0x9e3779b97f4a7c15 // the golden ratio scatters codes that follow a pattern
	h := uint64(len(code)) * prime
	for ; len(code) >= 8; code = code[8:] {
		h = mix(h, uint64(code[0])|uint64(code[1])<<8|uint64(code[2])<<16|uint64(code[3])<<24|
			uint64(code[4])<<32|uint64(code[5])<<40|uint64(code[6])<<48|uint64(code[7])<<56)
	}
	last := uint64(0)
	for i := range len(code) {
		last = last<<8 | uint64(code[i])
	}
	return mix(mix(h, last), 0)
}

func mix(h, word uint64) uint64 {
	h = (h ^ word) * 0xff51afd7ed558ccd
	return h ^ h>>32
}
