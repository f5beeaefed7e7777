package main

import (
	"bufio"
	"cmp"
	"os"
	"regexp"
	"strconv"
)

// entry is a mutant in the list of those that change nothing, as in
//
//   - `window.go` `a[i] = x[i]`: `i` → `(i + 1)` (2)
//
// with the whole line it is in, so that it is found when lines move, and a
// number if the line has more than one such place.
var entry = regexp.MustCompile("^ *- `([^`]+)` `([^`]+)`: `([^`]+)` → (?:`([^`]+)`|nothing)(?: \\((\\d+)\\))?$")

// A known is a mutant that has an entry.
type known struct {
	pkg, file, code, from, to string
	nth                       int
}

func (m *mutant) known(pkg string) known {
	return known{pkg, m.file.name(), m.code, m.from, m.to, m.nth}
}

// equivalents reads the list. Entries are of the package whose heading they
// stand under.
func equivalents(path string) (map[known]bool, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	all := map[known]bool{}
	heading := regexp.MustCompile("^#+ `([^`]+)`$")
	pkg := ""
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if h := heading.FindStringSubmatch(lines.Text()); h != nil {
			pkg = h[1]
		}
		if e := entry.FindStringSubmatch(lines.Text()); e != nil {
			nth, _ := strconv.Atoi(cmp.Or(e[5], "1"))
			all[known{pkg, e[1], e[2], e[3], e[4], nth}] = true
		}
	}
	return all, lines.Err()
}
