package echo

import (
	"bytes"
	"encoding/binary"
	"index/suffixarray"
	"math/bits"
	"strings"
)

// A side is the messages in one spelling, with marks where they repeat a text.
type side struct {
	text  []byte
	marks []int // the length of the mark that begins at each byte, 0 if none
	seen  sieve
	order *suffixarray.Index  // of text, computed when needed
	found map[string]struct{} // texts that were marked
}

func (s *side) open() {
	s.marks = make([]int, len(s.text))
	s.seen = sieveOf(s.text)
}

func (s *side) mark(at, n int) { s.marks[at] = max(s.marks[at], n) }

// find marks every occurrence of a text.
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

// findShort is for the few texts that are secret even though they are short.
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

// findLong marks each text only once, because a request may contain one many times.
// Different texts of one length occur at different positions.
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

// without returns a message, which starts at begin, with the marked parts replaced.
func (s *side) without(message string, begin int) string {
	var out strings.Builder
	kept, reach := 0, -1 // positions in the message: the end of what is written, and of what is marked
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

// blotted replaces a text of the request that an answer has echoed.
const blotted = "[…]"

// A sieve shows which eight bytes certainly do not occur in a text. It is a fast
// filter: what passes is looked up.
type sieve struct {
	bits  []uint64
	shift int
}

func sieveOf(text []byte) sieve {
	const fewest, most, spare = 6, 16, 4 // powers of two, in bits: in total, and per byte
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

// has reports whether the text may contain the first eight bytes of another text.
func (s *sieve) has(text []byte) bool {
	bit := s.bit(text)
	return s.bits[bit/64]>>(bit%64)&1 != 0
}
