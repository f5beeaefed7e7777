package echo

import (
	"bytes"
	"encoding/binary"
	"index/suffixarray"
	"math/bits"
	"strings"
)

// A side is the messages in one spelling, with marks at what they repeat.
type side struct {
	text  []byte
	marks []int // how long what is marked is that begins at each byte, 0 if nothing does
	seen  sieve
	order *suffixarray.Index  // of text, once somebody asked
	found map[string]struct{} // what has been marked
}

func (s *side) open() {
	s.marks = make([]int, len(s.text))
	s.seen = sieveOf(s.text)
}

func (s *side) mark(at, n int) { s.marks[at] = max(s.marks[at], n) }

// find marks a text wherever it stands.
func (s *side) find(text string) {
	var head [shortest]byte
	switch copy(head[:], text); {
	case len(text) == 0 || len(text) > len(s.text):
	case len(text) < shortest:
		s.findShort([]byte(text))
	case s.seen.has(head[:]):
		s.findLong(text)
	}
}

// findShort is for what is secret however short, of which there is little.
func (s *side) findShort(text []byte) {
	for at := 0; ; at++ {
		next := bytes.Index(s.text[at:], text)
		if next < 0 {
			return
		}
		at += next
		s.mark(at, len(text))
	}
}

// findLong marks no text twice, as a request may hold one many times: different ones
// of one length stand in different places.
func (s *side) findLong(text string) {
	if _, again := s.found[text]; again {
		return
	}
	if s.order == nil {
		s.order, s.found = suffixarray.New(s.text), make(map[string]struct{})
	}
	for _, at := range s.order.Lookup([]byte(text), -1) {
		s.mark(at, len(text))
		s.found[text] = struct{}{}
	}
}

// without returns a message, which begins there, with something else in place of what
// is marked.
func (s *side) without(message string, begin int) string {
	var out strings.Builder
	kept, reach := 0, -1 // of the message: where what is not written yet begins, and what is marked ends
	for at, n := range s.marks[begin : begin+len(message)] {
		if n == 0 {
			continue
		}
		if at > reach {
			out.WriteString(message[kept:at])
			out.WriteString(blotted)
		}
		reach = max(reach, at+n)
		kept = reach
	}
	if kept == 0 {
		return message
	}
	out.WriteString(message[kept:])
	return out.String()
}

// blotted stands for a text of the request's that an answer has echoed.
const blotted = "[…]"

// A sieve knows of which eight bytes it is certain that they do not stand in a text.
// It is there to be fast: what passes is looked up.
type sieve struct {
	bits  []uint64
	shift int
}

func sieveOf(text []byte) sieve {
	const fewest, most, spare = 6, 16, 4 // powers of two of bits: in all, and for each byte
	size := min(max(bits.Len(uint(len(text)))+spare, fewest), most)
	s := sieve{make([]uint64, 1<<(size-fewest)), 64 - size}
	for at := range max(len(text)-shortest+1, 0) {
		bit := s.bit(text[at:])
		s.bits[bit/64] |= 1 << (bit % 64)
	}
	return s
}

func (s *sieve) bit(text []byte) uint64 {
	const golden = 0x9E3779B97F4A7C15
	return binary.LittleEndian.Uint64(text) * golden >> s.shift
}

// has reports whether the text may hold the first eight bytes of another one.
func (s *sieve) has(text []byte) bool {
	bit := s.bit(text)
	return s.bits[bit/64]>>(bit%64)&1 != 0
}
