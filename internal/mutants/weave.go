package main

import (
	"fmt"
	"slices"
	"strings"
)

// active declares what woven code asks.
func active(pkg string) string {
	return "package " + pkg + `

import (
	"os"
	"strconv"
	"sync/atomic"
)

var mutantActive, _ = strconv.Atoi(os.Getenv("MUTANT"))
var mutantTrace = os.Getenv("MUTANT_TRACE")
var mutantSeen [1 << 14]atomic.Bool

func mutantIs(n int) bool {
	if mutantTrace != "" && !mutantSeen[n].Swap(true) {
		f, err := os.OpenFile(mutantTrace, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
		if err != nil {
			panic(err)
		}
		if _, err := f.WriteString(strconv.Itoa(n) + "\n"); err != nil {
			panic(err)
		}
		f.Close()
	}
	return mutantActive == n
}

func mutantOf(first, last int) bool { return first <= mutantActive && mutantActive <= last }
`
}

// weave writes a file with all of the sites' mutants in it, none of them at
// work before the environment's MUTANT names it.
func weave(f *source, sites []*site) string {
	sites = slices.Clone(sites)
	slices.SortStableFunc(sites, func(a, b *site) int {
		if a.start != b.start {
			return a.start - b.start
		}
		return b.end - a.end // the outer first
	})
	text, rest := woven(f, 0, len(f.text), sites)
	if len(rest) > 0 {
		panic("mutants: sites overlap")
	}
	return text
}

// woven is the text from start to end, and the sites that begin after it.
func woven(f *source, start, end int, sites []*site) (string, []*site) {
	var b strings.Builder
	for len(sites) > 0 && sites[0].start < end {
		s := sites[0]
		b.WriteString(f.text[start:s.start])
		var inner string
		inner, sites = woven(f, s.start, s.end, sites[1:])
		b.WriteString(s.with(inner))
		start = s.end
	}
	b.WriteString(f.text[start:end])
	return b.String(), sites
}

// with is the site's text where each mutant has its turn.
func (s *site) with(inner string) string {
	first, last := s.mutants[0].id, s.mutants[len(s.mutants)-1].id
	var b strings.Builder
	switch s.kind {
	case condition:
		for _, m := range s.mutants {
			fmt.Fprintf(&b, "mutantIs(%d) && (%s) || ", m.id, m.text)
		}
		return fmt.Sprintf("(%s!mutantOf(%d, %d) && (%s))", &b, first, last, inner)
	case value:
		for _, m := range s.mutants {
			fmt.Fprintf(&b, "if mutantIs(%d) { return %s }; ", m.id, m.text)
		}
		return fmt.Sprintf("func() %s { %sreturn %s }()", s.typ, &b, inner)
	default:
		for _, m := range s.mutants {
			fmt.Fprintf(&b, "if mutantIs(%d) { %s } else ", m.id, m.text)
		}
		return fmt.Sprintf("%s{ %s }", &b, inner)
	}
}

// alone is the file's text with one mutant and nothing else.
func (m *mutant) alone() string {
	return m.file.text[:m.site.start] + m.text + m.file.text[m.site.end:]
}

// viable numbers the mutants that compile, and returns them with the sites
// that can be woven. A mutant that compiles only by itself, as one of a
// constant, is single.
func viable(t *target, sites []*site) ([]*mutant, []*site) {
	var all []*mutant
	var fit []*site
	next := 1
	for _, s := range sites {
		var together []*mutant
		for _, m := range s.mutants {
			m.id = next
			one := &site{file: s.file, start: s.start, end: s.end, kind: s.kind, typ: s.typ, mutants: []*mutant{m}}
			switch {
			case (s.kind != value || s.typ != "") && t.compiles(s.file, weave(s.file, []*site{one})):
				together = append(together, m)
			case t.compiles(s.file, m.alone()):
				m.single = true
			default:
				continue
			}
			all = append(all, m)
			next++
		}
		if len(together) > 0 {
			s.mutants = together
			fit = append(fit, s)
		}
	}
	return all, fit
}
