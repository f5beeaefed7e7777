package classify

import "strings"

// Redact passes those texts of an answer that get printed to blot, which removes secrets
// from them: the trace id, the messages and the codes. It is for adapters, which know the
// request and so what the answer may repeat of it.
//
// The part of a code that the catalog knows is kept, whatever blot does, because it
// decides the class and reveals nothing that is not in the catalog. That part is: the
// whole of a code that has its own rule; a number of up to seven digits within a range; a
// beginning that has a rule. The rest of a code is redacted like a message. A code that
// is no longer valid afterwards becomes "". A nil catalog knows no code.
func (c *Catalog) Redact(e *Error, blot func(texts []*string)) {
	texts := []*string{&e.TraceID}
	rests := make([]string, len(e.Details)+len(e.beyond))
	for i := range rests {
		code := e.code(i)
		rests[i] = string(code[c.known(code):])
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
		known := code[:c.known(code)]
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

// known returns how much of a code is in the catalog, in bytes.
func (c *Catalog) known(code Code) int {
	const private = 8 // digits: a longer number may identify somebody
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
	case len(strings.TrimPrefix(string(code), "-")) < private:
		return len(code)
	}
	return 0
}
