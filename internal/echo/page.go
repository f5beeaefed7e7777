package echo

import "strings"

// Blot replaces with […] what messages repeat of the texts. A text is found in its
// exact spelling, and in any spelling if it has so many letters and digits that a
// match is no coincidence. Of a longer text any 16 letters and digits are found, and
// at the end of a message also a beginning that was cut off.
//
// Its time is proportional to the messages and the texts, whatever they contain: a
// server that knows the request must not be able to make it slow.
func Blot(messages []*string, texts []string) {
	p := newPage(messages)
	for _, t := range texts {
		p.find(t)
	}
	p.write(messages)
}

// A page holds the messages of one answer, one after the other, in their original and
// folded spellings.
type page struct {
	raw, folded side
	from        []span            // the position in raw of each byte of folded
	ends        []end             // of each message
	runs        map[string][]int  // positions in folded, computed when needed
	tails       map[string][]span // of the folded messages, positions in raw, computed when needed
	letters     []byte            // of the current text
}

// An end is the position of a message's end, and in folded also of its beginning.
type end struct{ raw, begin, folded int }

// gap separates two messages. It is not UTF-8, so no text contains it.
const gap = '\xff'

func newPage(messages []*string) *page {
	p := new(page)
	for _, m := range messages {
		begin, at := len(p.folded.text), len(p.raw.text)
		f := fold(whole(*m))
		for _, s := range f.spans {
			p.from = append(p.from, span{at + s.start, at + s.end})
		}
		p.from = append(p.from, span{})
		p.folded.text = append(append(p.folded.text, f.text...), gap)
		p.raw.text = append(append(p.raw.text, *m...), gap)
		p.ends = append(p.ends, end{len(p.raw.text) - 1, begin, len(p.folded.text) - 1})
	}
	p.raw.open()
	p.folded.open()
	return p
}

// whole removes half an escape sequence from the end of a message that was cut.
func whole(message string) string {
	if i := strings.LastIndexByte(message, '%'); i >= 0 && len(message)-i <= len("%4") && strings.Trim(message[i+1:], "0123456789ABCDEFabcdef") == "" {
		return message[:i]
	}
	if i := strings.LastIndexByte(message, '&'); i >= 0 && !strings.ContainsFunc(strings.TrimPrefix(message[i+1:], "#"), inNoEntity) {
		return message[:i]
	}
	return message
}

func inNoEntity(r rune) bool {
	return !('0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
}

// find marks what the messages repeat of a text.
func (p *page) find(text string) {
	p.raw.find(strings.ToValidUTF8(text, "")) // messages are valid UTF-8
	p.letters = foldInto(p.letters[:0], text)
	switch n := len(p.letters); {
	case n < shortest:
		return
	case n <= run:
		if p.folded.seen.has(p.letters) {
			p.folded.find(string(p.letters))
		}
	default:
		p.findRuns()
	}
	if p.folded.seen.has(p.letters) {
		p.findTail()
	}
}

// findRuns marks the runs of a longer text. Each run is marked everywhere and then
// removed from the index.
func (p *page) findRuns() {
	for i := range len(p.letters) - run + 1 {
		if part := p.letters[i : i+run]; p.folded.seen.has(part) && p.folded.seen.has(part[run-shortest:]) {
			if p.runs == nil {
				p.runs = p.allRuns()
			}
			for _, at := range p.runs[string(part)] {
				p.folded.mark(at, run)
			}
			delete(p.runs, string(part))
		}
	}
}

func (p *page) allRuns() map[string][]int {
	all := make(map[string][]int, len(p.folded.text))
	text := string(p.folded.text)
	for _, e := range p.ends {
		for at := e.begin; at+run <= e.folded; at++ {
			all[text[at:at+run]] = append(all[text[at:at+run]], at)
		}
	}
	return all
}

// findTail marks the end of messages that end less than a run after the beginning of
// a text.
func (p *page) findTail() {
	if p.tails == nil {
		p.tails = p.allTails()
	}
	for n := shortest; n < min(run, len(p.letters)); n++ {
		part := p.letters[:n]
		for _, s := range p.tails[string(part)] {
			p.raw.mark(s.start, s.end-s.start)
		}
		delete(p.tails, string(part))
	}
}

func (p *page) allTails() map[string][]span {
	all := make(map[string][]span)
	text := string(p.folded.text)
	for _, e := range p.ends {
		for at := max(e.begin, e.folded-run+1); at <= e.folded-shortest; at++ {
			all[text[at:e.folded]] = append(all[text[at:e.folded]], span{p.from[at].start, e.raw})
		}
	}
	return all
}

// write removes the marked parts from the messages.
func (p *page) write(messages []*string) {
	for at, n := range p.folded.marks {
		if n > 0 {
			p.raw.mark(p.from[at].start, p.from[at+n-1].end-p.from[at].start)
		}
	}
	begin := 0
	for i, m := range messages {
		*m = p.raw.without(*m, begin)
		begin = p.ends[i].raw + 1
	}
}
