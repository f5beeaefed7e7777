// Command mutants changes a package in one place at a time and runs the
// package's own tests on each change. A change they pass is one that they do
// not hold, or one that makes no difference: those are listed with the reason
// in docs/mutants.md.
//
//	go run ./internal/mutants ./breaker ./nonce
//
// All changes of a package are compiled into one binary of its tests, which
// takes from the environment which of them is at work. Those that cannot be,
// as of a constant, get a build each. What does not compile does not count; a
// run that does not end counts as failed.
package main

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path"
	"regexp"
	"slices"
)

type options struct {
	only   *regexp.Regexp // files
	sample int            // mutants of a package; all if 0
	dry    bool
	listed bool // try those as well
}

func main() {
	var o options
	only := flag.String("files", "", "only the mutants of files that match this pattern")
	flag.IntVar(&o.sample, "sample", 0, "how many mutants of a package to draw at random; all if 0")
	flag.BoolVar(&o.dry, "n", false, "only say what there is to try")
	flag.BoolVar(&o.listed, "listed", false, "try those too that are listed, and say which of them the tests hold after all")
	list := flag.String("list", "docs/mutants.md", "where the mutants that change nothing are")
	flag.Parse()
	o.only = regexp.MustCompile(*only)
	listed, err := equivalents(*list)
	ok := true
	for _, pattern := range flag.Args() {
		if err == nil {
			var clean bool
			clean, err = try(os.Stdout, pattern, o, listed)
			ok = ok && clean
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "mutants:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

// try reports whether no mutant of a package survived but those listed.
func try(out io.Writer, pattern string, o options, listed map[known]bool) (bool, error) {
	t, err := load(pattern)
	if err != nil {
		return false, err
	}
	mutants, sites := viable(t, slices.DeleteFunc(t.sites(), func(s *site) bool { return !o.only.MatchString(s.file.name()) }))
	total := len(mutants)
	if mutants = drawn(mutants, o.sample); o.dry {
		for _, m := range mutants {
			fmt.Fprintln(out, m)
		}
		fmt.Fprintf(out, "%s: %d mutants\n", pattern, total)
		return true, nil
	}
	r := &runner{target: t}
	if r.scratch, err = os.MkdirTemp("", "mutants"); err != nil {
		return false, err
	}
	defer os.RemoveAll(r.scratch)
	if err := r.weave(sites); err != nil {
		return false, err
	}
	if r.tender != "" {
		fmt.Fprintln(out, "fail with all mutants woven in, and so have a build for each mutant that the others let pass:", r.tender)
	}
	counts := map[outcome]int{}
	equal := 0
	for _, m := range mutants {
		known := listed[m.known(path.Clean(pattern))]
		if known && !o.listed {
			equal++
			continue
		}
		result := r.try(m)
		counts[result]++
		switch note := notes[result]; {
		case result == broken:
		case known && result == killed:
			fmt.Fprintln(out, m, "(listed, and yet held)")
		case known:
			equal++
			counts[result]--
		case result != killed:
			fmt.Fprintf(out, "%s%s\n", m, note)
		}
	}
	tried := len(mutants) - counts[broken]
	lived := counts[survived] + counts[unmet]
	fmt.Fprintf(out, "%s: %d of %d mutants: %d killed, %d listed as making no difference, %d survived: score %.1f %%\n", pattern, tried, total,
		counts[killed], equal, lived, 100*float64(counts[killed])/float64(max(1, tried-equal)))
	return lived == 0, nil
}

var notes = map[outcome]string{unmet: " (no test comes here)"}

// drawn is a sample of n mutants, always the same one, in the order of the
// files; all of them if n is 0.
func drawn(all []*mutant, n int) []*mutant {
	if n == 0 || n >= len(all) {
		return all
	}
	rnd := rand.New(rand.NewPCG(1, 1))
	rnd.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	slices.SortFunc(all[:n], func(a, b *mutant) int { return a.id - b.id })
	return all[:n]
}

func (m *mutant) String() string {
	to := "nothing"
	if m.to != "" {
		to = "`" + m.to + "`"
	}
	if m.nth > 1 {
		to += fmt.Sprintf(" (%d)", m.nth)
	}
	return fmt.Sprintf("%d\t- `%s` `%s`: `%s` → %s", m.line, m.file.name(), m.code, m.from, to)
}
