package classify

import "strings"

// Redact has blot take out of the texts of an answer that get printed what nobody is
// to see: of its trace id, its messages and its codes. For adapters, which know the
// request, and what the answer repeats of it.
//
// What a code owes to the catalog stays, whatever blot thinks of it, as it decides what
// is done, and says nothing that the catalog does not: a code that has a rule of its
// own, a number of up to seven digits in a range, a beginning that has a rule. The rest
// of a code is blotted like a message. One that is no code any more is none: "". A nil
// catalog knows no code.
func (c *Catalog) Redact(e *Error, blot func(texts []*string)) {
	texts := []*string{&e.TraceID}
	rests := make([]string, len(e.Details)+len(e.beyond))
	for i := range rests {
		code := e.code(i)
		rests[i] = string(code[c.owes(code):])
		if i < len(e.Details) {
			texts = append(texts, &e.Details[i].Message)
		}
		if rests[i] != "" {
			texts = append(texts, &rests[i])
		}
	}
	blot(texts)
	for i, rest := range rests {
		code := e.code(i)
		known := code[:c.owes(code)]
		if known+Code(rest) == code {
			continue
		}
		code = wordCode(string(known) + rest)
		if i < len(e.Details) {
			e.Details[i].Code = code
		} else {
			e.beyond[i-len(e.Details)] = code
		}
	}
}

// owes returns how much of a code the catalog says itself, in bytes.
func (c *Catalog) owes(code Code) int {
	const telling = 8 // digits, of which a number might be somebody's
	switch {
	case c == nil || code == "":
		return 0
	case c.singles[code] != nil:
		return len(code)
	}
	rule := c.wider(code)
	if rule == nil {
		return 0
	}
	kind, begin, _ := rule.span()
	switch {
	case kind == aBeginning:
		return len(begin)
	case len(strings.TrimPrefix(string(code), "-")) < telling:
		return len(code)
	}
	return 0
}
