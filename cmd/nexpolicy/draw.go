package main

import (
	"bytes"
	"fmt"
	"image/color"
	"strings"
	"time"

	width "github.com/jedib0t/go-pretty/v6/text"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"github.com/nexpay-go/resilience/policy"
)

// Liberation Sans has the metrics of Arial and comes with the plotting library.
var sans = font.Font{Typeface: "Liberation", Variant: "Sans"}

// blue is a colour of Okabe and Ito that colour-blind people can distinguish.
var blue = color.RGBA{R: 0x00, G: 0x72, B: 0xb2, A: 0xff}

// drawSchedule draws the period in which each send may begin, as SVG.
func drawSchedule(e policy.Explanation, sends []send) ([]byte, error) {
	last := sends[len(sends)-1]
	if last.latest == forEver {
		return nil, fmt.Errorf("cannot draw the schedule: the last send may begin 292 years after the call or later; set elapsed, or shorter waits")
	}
	unit, units := axis(last.latest)
	p := plot.New()
	p.Title.Padding = 8
	p.Title.TextStyle.Font = font.From(sans, 13)
	p.Title.Text = title(e.Title(), &p.Title.TextStyle)
	for _, style := range []*text.Style{&p.X.Label.TextStyle, &p.Y.Label.TextStyle, &p.X.Tick.Label, &p.Y.Tick.Label} {
		style.Font = font.From(sans, 11)
	}
	p.X.Label.Text = units + " since the start of the call, not counting the duration of the sends"
	p.Y.Label.Text = "send"
	p.X.Min, p.X.Max = 0, max(last.latest, unit).Seconds()/unit.Seconds()*1.03
	p.Y.Min, p.Y.Max = 0.4, float64(len(sends))+0.6
	p.Y.Scale = plot.InvertedScale{Normalizer: plot.LinearScale{}} // the first at the top
	p.Y.Tick.Marker = plot.ConstantTicks(numbers(sends))
	p.Add(plotter.NewGrid())
	for _, s := range sends {
		bar, err := plotter.NewPolygon(box(&s, unit, p.X.Max/300))
		if err != nil {
			return nil, fmt.Errorf("send %d: %w", s.number, err)
		}
		bar.Color, bar.LineStyle.Width = blue, 0
		p.Add(bar)
	}
	canvas := vgsvg.New(8*vg.Inch, vg.Length(len(sends))*0.3*vg.Inch+1.2*vg.Inch)
	on := draw.New(canvas)
	on.SetColor(color.White) // for pages of any colour
	on.Fill(on.Rectangle.Path())
	p.Draw(draw.Crop(on, 6, -14, 6, -8))
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return nil, err
	}
	// A viewer without Liberation Sans uses a sans-serif font of the same width.
	return []byte(strings.ReplaceAll(svg.String(), "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")), nil
}

// box returns the bar of a send, wide enough to be seen.
func box(s *send, unit time.Duration, narrowest float64) plotter.XYs {
	const half = 0.3
	from, to := s.earliest.Seconds()/unit.Seconds(), s.latest.Seconds()/unit.Seconds()
	if to-from < narrowest {
		from, to = max(from-narrowest/2, 0), max(from-narrowest/2, 0)+narrowest
	}
	y := float64(s.number)
	return plotter.XYs{{X: from, Y: y - half}, {X: to, Y: y - half}, {X: to, Y: y + half}, {X: from, Y: y + half}}
}

// axis returns the unit of the time axis.
func axis(longest time.Duration) (unit time.Duration, name string) {
	const day = 24 * time.Hour
	switch {
	case longest == 0 || longest >= time.Second && longest < 10*time.Minute:
		return time.Second, "seconds"
	case longest < time.Microsecond:
		return time.Nanosecond, "nanoseconds"
	case longest < time.Millisecond:
		return time.Microsecond, "microseconds"
	case longest < time.Second:
		return time.Millisecond, "milliseconds"
	case longest < 10*time.Hour:
		return time.Minute, "minutes"
	case longest < 10*day:
		return time.Hour, "hours"
	}
	return day, "days"
}

// title returns the title, shortened to fit: other fonts are wider.
func title(of string, style *text.Style) string {
	fits := func(line string) bool { return style.Width(line) <= 6.5*vg.Inch }
	of = width.Snip(of, 64, "…")
	if line := "When a call that gets only " + of + " is retried"; fits(line) {
		return line
	}
	for letters := []rune(strings.TrimSuffix(of, "…")); !fits(of); letters = letters[:len(letters)-1] {
		of = string(letters) + "…"
	}
	return "When a call is retried that gets only\n" + of
}

func numbers(sends []send) []plot.Tick {
	ticks := make([]plot.Tick, len(sends))
	for i, s := range sends {
		ticks[i] = plot.Tick{Value: float64(s.number), Label: fmt.Sprint(s.number)}
	}
	return ticks
}
