package lab

import (
	"bytes"
	"image/color"
	"os"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"
)

// Font returns the font of charts in a size: Liberation Sans, which is as wide as Arial
// and comes with the library.
func Font(size vg.Length) font.Font {
	return font.From(font.Font{Typeface: "Liberation", Variant: "Sans"}, size)
}

// WriteSVG draws plots, rows of them, into a file.
func WriteSVG(file string, width, height vg.Length, tiles draw.Tiles, plots [][]*plot.Plot) error {
	canvas := vgsvg.New(width, height)
	on := draw.New(canvas)
	on.SetColor(color.White) // between the plots too, whatever the page behind looks like
	on.Fill(on.Rectangle.Path())
	tiles.Rows, tiles.Cols = len(plots), len(plots[0])
	for i, row := range plot.Align(plots, tiles, on) {
		for j, part := range row {
			plots[i][j].Draw(part)
		}
	}
	var svg bytes.Buffer
	if _, err := canvas.WriteTo(&svg); err != nil {
		return err
	}
	// Without Liberation Sans, readers see a font of the same width, and no serifs.
	drawn := strings.ReplaceAll(svg.String(), "font-family:Liberation Sans;", "font-family:Liberation Sans,Arial,Helvetica,sans-serif;")
	return os.WriteFile(file, []byte(drawn), 0o644)
}
