package main

import (
	"fmt"
	"image/color"
	"path/filepath"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/nexpay-go/resilience/examples/internal/lab"
)

// A line is a way of retrying in a chart. The colours are those of Okabe and Ito, which
// colour-blind people can distinguish. The dashes are for print.
type line struct {
	way    string
	color  color.Color
	width  vg.Length
	dashes []vg.Length
}

var lines = []line{
	{plain, color.RGBA{R: 0xd5, G: 0x5e, B: 0x00, A: 0xff}, 1.4, nil},
	{awsBucket, color.RGBA{R: 0xe6, G: 0x9f, B: 0x00, A: 0xff}, 1.4, []vg.Length{6, 3}},
	{failsafeAll, color.RGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff}, 1.4, []vg.Length{2, 2}},
	{oursAll, color.Black, 2.2, nil},
}

var (
	shade = color.RGBA{R: 0xee, G: 0xee, B: 0xee, A: 0xff}
	grey  = color.RGBA{R: 0x77, G: 0x77, B: 0x77, A: 0xff}
)

// drawCharts draws the outage and the brown-out.
func drawCharts(folder string, results []result) error {
	for _, s := range []scenario{outage, brownout} {
		file := filepath.Join(folder, "storms-"+strings.ReplaceAll(s.name, " ", "-")+".svg")
		if err := drawChart(file, s, results); err != nil {
			return err
		}
	}
	return nil
}

// drawChart draws two panels, one above the other: what is sent and what succeeds.
func drawChart(file string, s scenario, results []result) error {
	offered, err := panel(s, results, "What is sent, in terms of the usual load", func(t *second) float64 { return float64(t.sends.Load()) })
	if err != nil {
		return err
	}
	good, err := panel(s, results, "What succeeds, in terms of the usual load", func(t *second) float64 { return float64(t.done.Load()) })
	if err != nil {
		return err
	}
	good.X.Label.Text = "seconds; the grey ones are those of the " + s.name
	good.Legend = plot.NewLegend()

	tiles := draw.Tiles{PadY: 16, PadLeft: 10, PadRight: 14, PadTop: 10, PadBottom: 10}
	return lab.WriteSVG(file, 10*vg.Inch, 6*vg.Inch, tiles, [][]*plot.Plot{{offered}, {good}})
}

func panel(s scenario, results []result, title string, value func(*second) float64) (*plot.Plot, error) {
	p := plot.New()
	p.Title.Text = title
	p.Title.Padding = 6
	p.Title.TextStyle.Font = lab.Font(13)
	for _, style := range []*text.Style{&p.X.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label, &p.Legend.TextStyle} {
		style.Font = lab.Font(11)
	}
	// At the right, with each line to the left of its name: in another font the name may be longer.
	p.Legend.Top, p.Legend.Left, p.Legend.XOffs = true, true, 7.45*vg.Inch
	p.Legend.ThumbnailWidth, p.Legend.Padding, p.Legend.YOffs = 26, 3, -4

	most := 1.0
	var series []*plotter.Line
	for _, l := range lines {
		points := pointsOf(s, results, l.way, value)
		for _, xy := range points {
			most = max(most, xy.Y)
		}
		drawn, err := plotter.NewLine(points)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", l.way, err)
		}
		drawn.Color, drawn.Width, drawn.Dashes = l.color, l.width, l.dashes
		series = append(series, drawn)
	}
	top := 1.15 * most
	fault, err := plotter.NewPolygon(plotter.XYs{
		{X: s.from.Seconds()}, {X: s.to.Seconds()}, {X: s.to.Seconds(), Y: top}, {X: s.from.Seconds(), Y: top},
	})
	if err != nil {
		return nil, err
	}
	fault.Color, fault.LineStyle.Width = shade, 0
	usual, err := plotter.NewLine(plotter.XYs{{Y: 1}, {X: s.length.Seconds(), Y: 1}})
	if err != nil {
		return nil, err
	}
	usual.Color, usual.Width, usual.Dashes = grey, 0.7, []vg.Length{3, 3}
	p.Add(fault, usual)
	for i, drawn := range series {
		p.Add(drawn)
		p.Legend.Add(lines[i].way, drawn)
	}
	p.X.Tick.Marker = plot.TickerFunc(everyTen)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, s.length.Seconds()-1, 0, top
	return p, nil
}

func everyTen(least, most float64) (ticks []plot.Tick) {
	for x := least; x <= most; x += 10 {
		ticks = append(ticks, plot.Tick{Value: x, Label: fmt.Sprintf("%.0f", x)})
	}
	return ticks
}

// pointsOf returns the values of a way, second by second.
func pointsOf(s scenario, results []result, way string, value func(*second) float64) plotter.XYs {
	var points plotter.XYs
	for _, r := range results {
		if r.scenario.name != s.name || r.way != way {
			continue
		}
		for i := range r.perSec[:len(r.perSec)-1] {
			points = append(points, plotter.XY{X: float64(i) + 0.5, Y: value(&r.perSec[i]) / r.load})
		}
	}
	return points
}
