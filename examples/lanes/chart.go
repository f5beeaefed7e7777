package main

import (
	"fmt"
	"image/color"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
)

// draw writes the operations per second of each case as a chart.
func draw(file string, results []result) error {
	p := plot.New()
	p.Title.Text = fmt.Sprintf("What %d callers get out of their keys (round trip %v)", callers, roundTrip)
	p.Y.Label.Text = "operations per second"
	var values plotter.Values
	var names []string
	var labels plotter.XYLabels
	for i, r := range results {
		values = append(values, r.PerSecond)
		names = append(names, r.Name)
		labels.XYs = append(labels.XYs, plotter.XY{X: float64(i), Y: r.PerSecond})
		text := fmt.Sprintf("%.0f/s", r.PerSecond)
		if r.Refused > 0 {
			text += fmt.Sprintf(", %.0f %% code 50", 100*r.Refused)
		}
		if r.Failed > 0 {
			text += fmt.Sprintf(", %.0f %% fail", 100*float64(r.Failed)/float64(r.All))
		}
		labels.Labels = append(labels.Labels, text)
	}
	bars, err := plotter.NewBarChart(values, vg.Points(40))
	if err != nil {
		return err
	}
	bars.Color = color.RGBA{R: 0x33, G: 0x66, B: 0x99, A: 0xff}
	bars.LineStyle.Width = 0
	texts, err := plotter.NewLabels(labels)
	if err != nil {
		return err
	}
	texts.Offset = vg.Point{Y: vg.Points(4)}
	for i := range texts.TextStyle {
		texts.TextStyle[i].XAlign = -0.5
	}
	p.Add(plotter.NewGrid(), bars, texts)
	p.NominalX(names...)
	p.X.Min, p.X.Max = p.X.Min-0.4, p.X.Max+0.4
	p.Y.Min, p.Y.Max = 0, p.Y.Max*1.08
	return p.Save(30*vg.Centimeter, 12*vg.Centimeter, file)
}
