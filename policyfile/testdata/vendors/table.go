package main

import (
	"fmt"
	"log"
	"os"
	"strings"
	"time"
)

// A table has a row for each answer, and a column for each SDK.
type table struct {
	answers []answer
	heads   []string
	columns []map[string]string
}

// add adds the column of an SDK. The head has what is said of keys if that is always the same.
func (t *table) add(head string, servers map[string]*server, ends map[string]string) {
	column, keys := map[string]string{}, map[string]bool{}
	for _, a := range t.answers {
		keys[servers[a.name].sight().key] = true
	}
	for _, a := range t.answers {
		v := servers[a.name].sight()
		end, ended := ends[a.name]
		column[a.name] = cell(a, v, end, ended)
		if len(keys) > 1 {
			column[a.name] += ", " + v.key
		}
		log.Printf("  %-40s %s %v", a.name, column[a.name], rounded(v.pauses))
	}
	for key := range keys {
		if len(keys) == 1 {
			head += ", " + key
		}
	}
	t.heads, t.columns = append(t.heads, head), append(t.columns, column)
}

// cell is how many requests there were, and what the call ended with.
func cell(a answer, v sight, end string, ended bool) string {
	said := fmt.Sprintf("**%d**", v.requests)
	switch {
	case !ended && v.requests > 2: // a matter of time
		return "**3 and more**: goes on"
	case !ended:
		return said + ": never ends"
	case v.gets > 0:
		said += fmt.Sprintf(", %d of them GET", v.gets)
	case v.requests > 1 && a.header["Retry-After"] != "":
		said += ", " + v.patience()
	}
	return said + ": " + end
}

func rounded(pauses []time.Duration) (r []time.Duration) {
	for _, p := range pauses {
		r = append(r, p.Round(100*time.Millisecond))
	}
	return r
}

// String has answers that all SDKs treat alike, and the catalog too, in one row.
func (t *table) String() string {
	var b strings.Builder
	b.WriteString("| answer |")
	for _, h := range t.heads {
		fmt.Fprintf(&b, " %s |", h)
	}
	b.WriteString(" the table |\n|---|" + strings.Repeat("---|", len(t.heads)) + "---|\n")
	var rows []string
	names := map[string][]string{}
	for _, a := range t.answers {
		row := ""
		for _, c := range t.columns {
			row += " " + c[a.name] + " |"
		}
		row += " " + a.library + " |\n"
		if names[row] == nil {
			rows = append(rows, row)
		}
		names[row] = append(names[row], "`"+a.name+"`")
	}
	for _, row := range rows {
		b.WriteString("| " + strings.Join(names[row], " · ") + " |" + row)
	}
	return b.String()
}

// page is the one that the tables are on, between marks.
type page struct{ path, text string }

func readPage(path string) (*page, error) {
	text, err := os.ReadFile(path)
	return &page{path, string(text)}, err
}

func (p *page) write() error { return os.WriteFile(p.path, []byte(p.text), 0o644) }

// set puts a table where the page has a mark for it, and reports whether it was another.
func (p *page) set(name, table string) (changed bool, err error) {
	begin, end := "<!-- sdks: "+name+" -->\n", "<!-- end -->\n"
	before, rest, ok := strings.Cut(p.text, begin)
	if !ok {
		return false, fmt.Errorf("%s has no %s", p.path, strings.TrimSpace(begin))
	}
	there, after, ok := strings.Cut(rest, end)
	if !ok {
		return false, fmt.Errorf("%s: no end of the table of %s", p.path, name)
	}
	p.text = before + begin + table + end + after
	return there != table, nil
}
