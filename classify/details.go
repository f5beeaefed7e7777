package classify

import (
	"net/http"
	"slices"
)

// answer makes an Error of the values found, and reports whether they make even a 2xx an
// error.
func (r *reader) answer(header http.Header) (e *Error, fails bool) {
	e = &Error{partial: r.odd, skipped: r.skipped}
	e.TraceID = r.trace(header)
	path := r.deciding()
	if path < 0 {
		if text := r.textFor(toMessage, nil); text != "" { // for display only
			e.Details, e.bare = []Detail{{Message: text, Data: r.textFor(toData, nil)}}, true
		}
		return e, false
	}
	r.units(path, func(at place, code Code, found bool) {
		fails = fails || found || !r.shape.explicit
		switch {
		case len(e.Details) < maxDetails:
			e.Details = append(e.Details, Detail{code, r.textFor(toMessage, &at), r.textFor(toData, &at)})
		default:
			e.skip(code)
		}
	})
	e.partial = e.partial || e.skipped > 0 || r.passedOver(path)
	return e, fails
}

// passedOver reports whether there are elements without an error beside those with one,
// at any depth: other parts of the request may have been executed.
func (r *reader) passedOver(path int) bool {
	for depth, star := range r.shape.each[path] {
		elements, last := int32(0), int32(-1)
		for i := range r.hits[path] {
			if at := r.hits[path][i].place.in[depth]; at != last {
				elements, last = elements+1, at
			}
		}
		if elements < r.counts[star] {
			return true
		}
	}
	return false
}

// skip counts an error that does not fit into Details. Its code still counts, or sixteen
// harmless errors would hide one that locks the key out. Beyond maxSkipped nothing more
// is read.
func (e *Error) skip(code Code) {
	e.skipped++
	if code != "" && !slices.Contains(e.beyond, code) {
		e.beyond = append(e.beyond, code)
	}
}

// deciding returns the first path that leads to an error code, or else to an element that
// should have one, or −1.
func (r *reader) deciding() int {
	for _, path := range r.shape.paths[toCode] {
		for i := range r.hits[path] {
			if code := readCode(r.said(&r.hits[path][i])); code != "" && !r.shape.isSuccess(code) {
				return path
			}
		}
	}
	for _, path := range r.shape.paths[toCode] {
		if len(r.elements[path]) > 0 {
			return path
		}
	}
	return -1
}

// units calls each for every error that a path leads to: once an element, or once a code
// if the path has no elements. found reports that there is an error code, even where two
// codes in one place cancel each other.
func (r *reader) units(path int, each func(at place, code Code, found bool)) {
	hits, elements := r.hits[path], r.elements[path]
	for i := 0; len(elements) > 0 || i < len(hits); {
		var at place
		if len(elements) > 0 {
			at = elements[0]
			elements = elements[1:]
		} else if len(r.elements[path]) > 0 {
			return
		} else {
			at = hits[i].place
		}
		var code Code
		found, n := false, 0
		for ; i < len(hits) && hits[i].place == at; i++ {
			code = readCode(r.said(&hits[i]))
			if code != "" && r.shape.isSuccess(code) {
				code = ""
			}
			found = found || code != ""
			n++
		}
		if n != 1 { // two codes in one place: neither counts
			code = ""
		}
		each(at, code, found)
	}
}

// textFor returns the first text of a kind that belongs to the error at a place, or to
// any.
func (r *reader) textFor(kind int, at *place) string {
	for _, path := range r.shape.paths[kind] {
		for i := range r.hits[path] {
			h := &r.hits[path][i]
			if h.end == 0 || at != nil && !h.place.beside(at) {
				continue
			}
			if text := readText(r.said(h)); text != "" {
				return text
			}
			break
		}
	}
	return ""
}

// trace returns the first trace id found.
func (r *reader) trace(header http.Header) string {
	for _, at := range r.shape.trace {
		if at.header != "" {
			if id := traceWord(header.Get(at.header)); id != "" {
				return id
			}
			continue
		}
		for i := range r.hits[at.path] {
			if id := readTrace(r.said(&r.hits[at.path][i])); id != "" {
				return id
			}
		}
	}
	return ""
}

// readCode reads a code, and returns "" if it is not one.
func readCode(text []byte) Code {
	const longest = 6*maxWord + 2 // each byte an escape
	switch {
	case len(text) == 0 || len(text) > longest:
		return ""
	case text[0] == '"':
		return quotedCode(text)
	}
	return numberCode(text)
}
