package lab_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/stretchr/testify/require"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/nexpay-go/resilience/examples/internal/lab"
	"github.com/nexpay-go/resilience/examples/internal/program"
)

func TestVerdict(t *testing.T) {
	reached, missed := lab.NewGoal("a", "1", true), lab.NewGoal("b", "2", false)
	require.NoError(t, lab.Verdict([]lab.Goal{reached}))
	require.ErrorIs(t, lab.Verdict([]lab.Goal{reached, missed}), program.ErrResult)
}

func TestReport(t *testing.T) {
	var out bytes.Buffer
	r := lab.Report{Out: &out, Markdown: true}
	r.Figures(table.Row{"case", "sends"}, []table.Row{{"one", 3}})
	r.Goals([]lab.Goal{lab.NewGoal("a", "1", true), lab.NewGoal("b", "2", false)})
	require.Equal(t, `| case | sends |
| --- | ---:|
| one | 3 |

| goal | measured |  |
| --- | --- | --- |
| a | 1 | reached |
| b | 2 | MISSED |

`, out.String())

	out.Reset()
	lab.Report{Out: &out}.Figures(table.Row{"case", "sends"}, []table.Row{{"one", 3}})
	require.Equal(t, `┌──────┬───────┐
│ case │ sends │
├──────┼───────┤
│ one  │     3 │
└──────┴───────┘

`, out.String())
	require.Equal(t, "4.3 %", lab.Percent(0.0426))
}

func TestWriteSVG(t *testing.T) {
	p := plot.New()
	p.Title.Text, p.Title.TextStyle.Font = "A chart", lab.Font(14)
	file := filepath.Join(t.TempDir(), "a.svg")
	require.NoError(t, lab.WriteSVG(file, 3*vg.Inch, 2*vg.Inch, draw.Tiles{}, [][]*plot.Plot{{p}}))
	svg, err := os.ReadFile(file)
	require.NoError(t, err)
	require.Contains(t, string(svg), "A chart</text>")
	require.Contains(t, string(svg), "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
}
