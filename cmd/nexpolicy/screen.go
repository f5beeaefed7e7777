package main

import (
	"io"
	"os"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"golang.org/x/term"

	"github.com/nexpay-go/resilience/classify"
)

// A screen is an output. A terminal has colours and a width; any other output gets plain
// text.
type screen struct {
	io.Writer
	colours bool
	width   int // in characters; zero: not a terminal
}

func newScreen(f *os.File) *screen {
	s := &screen{Writer: f}
	if fd := int(f.Fd()); term.IsTerminal(fd) {
		s.colours = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" // https://no-color.org
		s.width = 80
		if width, _, err := term.GetSize(fd); err == nil && width > 0 {
			s.width = width
		}
	}
	return s
}

// prose wraps a text, on a terminal.
func (s *screen) prose(words string) string {
	if width := s.wide(0); width > 0 {
		return wrap(words, width)
	}
	return words
}

// paint colours a text, on a terminal.
func (s *screen) paint(colours text.Colors, words string) string {
	if !s.colours {
		return words
	}
	return colours.EscapeSeq() + words + text.Reset.EscapeSeq()
}

var classColours = map[classify.Class]text.Colors{
	classify.Retryable:    {text.FgYellow},
	classify.Resync:       {text.FgCyan},
	classify.FixAndResend: {text.FgBlue},
	classify.Fatal:        {text.FgRed},
	classify.Unclassified: {text.FgRed},
}

// table returns a table that fits the screen. If the output is not a terminal, the table
// has neither frame nor colours, and no line is wrapped.
func (s *screen) table(columns ...table.ColumnConfig) table.Writer {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	style := t.Style()
	style.Format.Header = text.FormatDefault
	if s.width == 0 {
		style.Options = table.OptionsNoBordersAndSeparators
		style.Box.PaddingLeft = ""
		style.Box.PaddingRight = "  "
	}
	if s.colours {
		style.Color.Header = text.Colors{text.Bold}
	}
	t.SuppressTrailingSpaces()
	t.SetColumnConfigs(columns)
	return t
}

// wrap breaks a text between words.
func wrap(words string, width int) string {
	lines := strings.Split(text.WrapSoft(words, width), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// wide returns the width that is left beside other text on a line, or zero for no limit.
func (s *screen) wide(beside int) int {
	if s.width == 0 {
		return 0
	}
	return max(s.width-beside, 20)
}
