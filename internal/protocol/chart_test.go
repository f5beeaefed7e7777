package protocol_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/protocol"
)

var update = flag.Bool("update", false, "rewrite what is generated from the table")

const (
	page  = "../../docs/payments.md"
	begin = "<!-- generated from internal/protocol: go test ./internal/protocol -run TestChart -update -->\n"
	end   = "<!-- end of what is generated -->\n"
)

// The chart and the table in the documentation are those of the code.
func TestChart(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	before, rest, found := strings.Cut(string(text), begin)
	require.True(t, found, "%s has no line %q", page, begin)
	written, after, found := strings.Cut(rest, end)
	require.True(t, found, "%s has no line %q", page, end)
	want := "\n" + chart(protocol.Payment) + "\n" + rows(protocol.Payment) + "\n"
	if *update {
		require.NoError(t, os.WriteFile(page, []byte(before+begin+want+end+after), 0o644))
		return
	}
	require.Equal(t, want, written, "run it with -update")
}

// chart draws the phases, and one edge for all rows between two of them.
func chart(table protocol.Table) string {
	type edge struct{ from, to protocol.Phase }
	var order []edge
	labels := map[edge][]string{}
	for i := range table {
		e := edge{table[i].From, table[i].To}
		if labels[e] == nil {
			order = append(order, e)
		}
		labels[e] = append(labels[e], label(&table[i]))
	}
	var b strings.Builder
	b.WriteString("```mermaid\nflowchart TD\n")
	for p := protocol.Start; p <= protocol.Busy; p++ {
		shape := "[%v]"
		if p == protocol.Start || p.Over() {
			shape = "([%v])"
		}
		fmt.Fprintf(&b, "    %v"+shape+"\n", p, p)
	}
	for _, e := range order {
		fmt.Fprintf(&b, "    %v -- \"%s\" --> %v\n", e.from, strings.Join(labels[e], "<br/>"), e.to)
	}
	b.WriteString("```\n")
	return b.String()
}

// label is "Begun [doubt > 1 h] M5".
func label(r *protocol.Row) string {
	text := r.On.String()
	if g := guards(r); g != "" {
		text += " [" + g + "]"
	}
	return strings.ReplaceAll(text, ">", "#gt;") + " " + r.Rule
}

func guards(r *protocol.Row) string {
	var names []string
	for _, g := range r.If {
		names = append(names, g.Name)
	}
	return strings.Join(names, ", ")
}

// rows lists them as they are.
func rows(table protocol.Table) string {
	var b strings.Builder
	b.WriteString("| in | comes | if | then | notes | rule | why |\n|---|---|---|---|---|---|---|\n")
	for i := range table {
		r := &table[i]
		var notes []string
		for _, e := range r.Then {
			notes = append(notes, e.Name)
		}
		fmt.Fprintf(&b, "| %v | %v | %s | %v | %s | [%s](design.md#money) | %s |\n", r.From, r.On, guards(r), r.To, strings.Join(notes, ", "), r.Rule, r.Why)
	}
	return b.String()
}
