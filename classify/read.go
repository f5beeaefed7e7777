package classify

import (
	"bytes"
	"net/http"
	"slices"
	"sync"
)

// An answer holds what a shape finds in a body.
type answer struct {
	error *Error // never nil
	begun bool   // a path can lead into the body, by its first character
	whole bool   // the body is complete JSON; true if not begun
	fails bool   // even a 2xx with this body is an error
}

// A place is the position of a value in an answer: the numbers of the [*] elements around
// it.
type place struct {
	in    [maxStars]int32
	depth int8
}

// beside reports whether one of the two places contains the other.
func (p *place) beside(o *place) bool {
	for i := range min(p.depth, o.depth) {
		if p.in[i] != o.in[i] {
			return false
		}
	}
	return true
}

// inside reports whether the place is o or within it.
func (p *place) inside(o *place) bool { return p.depth >= o.depth && p.beside(o) }

// A hit is a value at the end of a path.
type hit struct {
	place      place
	start, end int32 // of a string or a number in the text; 0 for another value
}

// said returns the text of a hit, or nil if it is neither a string nor a number.
func (r *reader) said(h *hit) []byte {
	if h.end == 0 {
		return nil
	}
	return r.text[h.start:h.end]
}

const (
	maxUnits = maxDetails + maxSkipped // codes that are read
	maxTexts = 4 * maxDetails          // texts of one path that are read
)

// A reader parses one body.
type reader struct {
	scanner
	shape    *shape
	hits     [][]hit   // by path number
	elements [][]place // likewise: those that are Details
	counts   []int32   // elements so far, by [*] number
	skipped  int       // elements that are not kept
	here     place
	odd      bool // another value stood in place of an array
	root     bool // at the very beginning
}

var readers = sync.Pool{New: func() any { return new(reader) }}

// parse reads what it can of a body of any length.
func (s *shape) parse(body []byte, header http.Header) answer {
	r := readers.Get().(*reader)
	r.begin(s, body)
	first := r.peek()
	a := answer{begun: s.root.takes(first), whole: true}
	if a.begun {
		r.root = true
		r.walk(&s.root)
		a.whole = r.end()
	} else if first == '[' { // it may nest too deep
		r.value()
		a.whole = r.end()
	}
	a.error, a.fails = r.answer(header)
	a.error.other = a.begun && a.whole && r.unmatched() || first == '<'
	a.error.page = first == '<' && isHTML(body)
	r.recycle()
	return a
}

// unmatched reports whether the text is an object with a member, and no path led to any
// value in it.
func (r *reader) unmatched() bool {
	for i := range r.hits {
		if len(r.hits[i])+len(r.elements[i]) > 0 {
			return false
		}
	}
	first := scanner{text: r.text}
	return first.accept('{') && !first.accept('}')
}

func (r *reader) begin(s *shape, body []byte) {
	r.shape, r.scanner = s, scanner{text: bytes.TrimPrefix(body, mark)}
	if len(r.hits) < s.count {
		r.hits = append(r.hits, make([][]hit, s.count-len(r.hits))...)
		r.elements = append(r.elements, make([][]place, s.count-len(r.elements))...)
	}
	if len(r.counts) < s.stars {
		r.counts = make([]int32, s.stars)
	}
}

// recycle keeps the small slices for the next body, and nothing of this one.
func (r *reader) recycle() {
	for i := range r.hits {
		clear(r.hits[i])
		r.hits[i], r.elements[i] = r.hits[i][:0], r.elements[i][:0]
		if cap(r.hits[i]) > maxTexts || cap(r.elements[i]) > maxTexts {
			r.hits[i], r.elements[i] = nil, nil
		}
	}
	clear(r.counts)
	*r = reader{hits: r.hits, elements: r.elements, counts: r.counts}
	readers.Put(r)
}

// takes reports whether a value with this first character can hold what paths lead to.
func (s *step) takes(first byte) bool {
	switch first {
	case '{':
		return len(s.names) > 0 || s.each != nil
	case '[':
		return len(s.elements) > 0 || s.each != nil
	case 0:
		return false
	}
	return len(s.ends) > 0 && (first == '"' || first == '-' || '0' <= first && first <= '9')
}

// walk reads the next value, to which a path leads.
func (r *reader) walk(s *step) {
	root := r.root
	r.root = false
	switch first := r.peek(); {
	case first == '{' && len(s.names) > 0:
		r.found(s, nil, root)
		r.object(func(key []byte) { r.member(s, key) })
	case first == '[' && len(s.elements) > 0:
		r.found(s, nil, root)
		r.indexed(s)
	case first == '[' && s.each != nil:
		r.found(s, nil, root)
		r.array(func() { r.element(s.each) })
	case s.each != nil && !(first == '"' && len(s.ends) > 0):
		r.instead(s)
	default:
		r.found(s, r.value(), root)
	}
}

func (r *reader) member(s *step, key []byte) {
	for i := range s.names {
		if spells(key, s.names[i].name) {
			r.walk(s.names[i].step)
			return
		}
	}
	r.value()
}

// indexed reads an array with paths to some indexes, and reads it again if there is a
// path to each element too. Elements after the last index may be other errors, or
// results.
func (r *reader) indexed(s *step) {
	ahead := r.scanner
	i, last := 0, 0
	r.array(func() {
		for _, e := range s.elements {
			last = max(last, e.index)
			if e.index == i {
				r.walk(e.step)
				i++
				return
			}
		}
		i++
		r.value()
	})
	r.odd = r.odd || s.picks && i > last+1
	if s.each != nil && !r.bad {
		r.scanner = ahead
		r.array(func() { r.element(s.each) })
	}
}

// element reads one element of an array. An element that is cut off does not count.
func (r *reader) element(s *step) {
	r.here.in[r.here.depth] = r.counts[s.star]
	r.here.depth++
	r.counts[s.star]++
	kept := true
	for _, path := range s.details {
		if kept = len(r.elements[path]) < maxUnits; kept {
			r.elements[path] = append(r.elements[path], r.here)
		}
	}
	if kept {
		r.walk(s)
	} else {
		r.skipped++
		r.value()
	}
	if r.bad && kept {
		r.drop(s)
	}
	r.here.depth--
}

// drop removes the current element.
func (r *reader) drop(s *step) {
	for _, path := range s.details {
		r.elements[path] = r.elements[path][:len(r.elements[path])-1]
	}
	for path, hits := range r.hits {
		for len(hits) > 0 && hits[len(hits)-1].place.inside(&r.here) {
			hits = hits[:len(hits)-1]
		}
		r.hits[path] = hits
	}
}

// instead reads a value in place of an array. It counts as an element, unless it means
// that there is none.
func (r *reader) instead(s *step) {
	ahead := r.scanner
	if saysNone(ahead.value()) {
		r.scanner = ahead
		return
	}
	r.odd = true
	r.element(s.each)
}

// found records a value at the end of paths. A number at the end of a text that was cut
// off may have had more digits.
func (r *reader) found(s *step, text []byte, root bool) {
	if r.bad || len(s.ends) == 0 {
		return
	}
	if len(text) > 0 && text[0] != '"' && (text[0] > '9' || r.at == len(r.text) && !root) {
		text = nil
	}
	h := hit{place: r.here}
	if len(text) > 0 {
		h.start, h.end = int32(r.at-len(text)), int32(r.at)
	}
	for _, path := range s.ends {
		most := maxTexts
		if slices.Contains(r.shape.paths[toCode], path) {
			most = 2 * maxUnits
		}
		if len(r.hits[path]) < most {
			r.hits[path] = append(r.hits[path], h)
		}
	}
}
