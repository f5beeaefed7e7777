package main

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/nexpay-go/resilience/examples/internal/lab"
)

var (
	blue  = color.RGBA{R: 0x2b, G: 0x6c, B: 0xb0, A: 0xff}
	amber = color.RGBA{R: 0xdd, G: 0x8a, B: 0x1f, A: 0xff}
	grey  = color.RGBA{R: 0x55, G: 0x55, B: 0x55, A: 0xff}
)

// A series is one bar for each case.
type series struct {
	name  string // in the legend; empty if it is the only one
	color color.Color
	value func(figures) float64
	label string // format of a value
}

// A panel is a part of the chart with its own axis.
type panel struct {
	title, axis string
	series      []series
}

var panels = []panel{
	{"What gets done", "operations that succeed, per second", []series{
		{"", blue, func(f figures) float64 { return f.perSecond }, "%.0f"},
	}},
	{"What is refused", "share, in %", []series{
		{"sends with code 50", amber, func(f figures) float64 { return 100 * f.code50 }, "%.1f %%"},
		{"operations that fail", blue, func(f figures) float64 { return 100 * share(f.failed, f.operations) }, "%.1f %%"},
	}},
	{"How long a caller waits", "latency, in ms", []series{
		{"median", blue, func(f figures) float64 { return float64(f.p50.Milliseconds()) }, "%.0f"},
		{"99th percentile", amber, func(f figures) float64 { return float64(f.p99.Milliseconds()) }, "%.0f"},
	}},
}

// drawChart writes an SVG of the first table.
func drawChart(file string, measured map[string]figures) error {
	row := make([]*plot.Plot, len(panels))
	for i, p := range panels {
		var err error
		if row[i], err = p.plot(measured); err != nil {
			return err
		}
	}
	tiles := draw.Tiles{PadX: 14, PadLeft: 10, PadRight: 10, PadTop: 10, PadBottom: 10}
	return lab.WriteSVG(file, 13*vg.Inch, 4.4*vg.Inch, tiles, [][]*plot.Plot{row})
}

func (p panel) plot(measured map[string]figures) (*plot.Plot, error) {
	pl := plot.New()
	pl.Title.Text, pl.X.Label.Text = p.title, p.axis
	pl.Title.Padding, pl.X.Label.Padding = 8, 6
	pl.Title.TextStyle.Font = lab.Font(14)
	for _, style := range []*text.Style{&pl.X.Label.TextStyle, &pl.X.Tick.Label, &pl.Legend.TextStyle} {
		style.Font = lab.Font(11)
	}
	pl.Y.Tick.Label.Font = lab.Font(12)

	var names []string
	for _, c := range slices.Backward(cases) { // the first case on top
		names = append(names, c.name)
	}
	width := 18 / vg.Length(len(p.series))
	most := 0.0
	for i, s := range p.series {
		var values plotter.Values
		for _, name := range names {
			values = append(values, s.value(measured[name]))
		}
		most = max(most, slices.Max(values))
		bars, err := plotter.NewBarChart(values, width)
		if err != nil {
			return nil, err
		}
		bars.Horizontal, bars.Color, bars.LineStyle.Width = true, s.color, 0
		bars.Offset = width * (vg.Length(len(p.series)-1)/2 - vg.Length(i))
		labels, err := s.labels(values, bars.Offset)
		if err != nil {
			return nil, err
		}
		pl.Add(bars, labels)
		if s.name != "" {
			pl.Legend.Add(s.name, bars)
		}
	}
	pl.Legend.Left, pl.Legend.XOffs, pl.Legend.YOffs = true, 100, 6 // where all bars are short
	pl.Legend.ThumbnailWidth, pl.Legend.Padding = 14, 3
	pl.NominalY(names...)
	pl.Y.Tick.Length = 0
	pl.Y.Min, pl.Y.Max = -0.6, float64(len(names))-0.4
	pl.X.Min, pl.X.Max = 0, 1.18*max(most, 1) // room for the labels
	pl.X.Tick.Marker = plot.TickerFunc(wholeTicks)
	return pl, nil
}

// wholeTicks are the usual ticks, without decimals.
func wholeTicks(least, most float64) []plot.Tick {
	ticks := plot.DefaultTicks{}.Ticks(least, most)
	for i, t := range ticks {
		if !t.IsMinor() {
			ticks[i].Label = fmt.Sprintf("%.0f", t.Value)
		}
	}
	return ticks
}

// labels are the values beside the bars.
func (s series) labels(values plotter.Values, offset vg.Length) (*plotter.Labels, error) {
	at := plotter.XYLabels{XYs: make(plotter.XYs, len(values)), Labels: make([]string, len(values))}
	for i, v := range values {
		at.XYs[i] = plotter.XY{X: v, Y: float64(i)}
		at.Labels[i] = fmt.Sprintf(s.label, v)
	}
	labels, err := plotter.NewLabels(at)
	if err != nil {
		return nil, err
	}
	for i := range labels.TextStyle {
		style := &labels.TextStyle[i]
		style.Font, style.Color, style.YAlign = lab.Font(9), grey, draw.YCenter
	}
	labels.Offset = vg.Point{X: 3, Y: offset + 1.5} // digits have no descenders, so the centre is set by eye
	return labels, nil
}
