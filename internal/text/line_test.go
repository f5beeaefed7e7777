package text_test

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
	"unsafe"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/text"
)

func TestLine(t *testing.T) {
	for in, want := range map[string]string{
		"":                              "",
		"Invalid API key":               "Invalid API key",
		"prix: 17 €":                    "prix: 17 €",
		"a\nlevel=ERROR\x1b[31m forged": "alevel=ERROR[31m forged",
		"bidi \u202e and \u2028 line":   "bidi  and  line",
		"broken \xff\xfe":               "broken ",
		strings.Repeat("é", 200):        strings.Repeat("é", 128),
		strings.Repeat("é", 127) + "x€": strings.Repeat("é", 127) + "x",
		strings.Repeat("x", 1<<20):      strings.Repeat("x", 256),
	} {
		require.Equal(t, want, text.Line(in))
	}
	require.Zero(t, testing.AllocsPerRun(100, func() { text.Line("Invalid API key") }))
}

// What is kept of a long text does not keep the rest of it in memory.
func TestLineKeepsNothingElse(t *testing.T) {
	for _, long := range []string{strings.Repeat("x", 1<<20), strings.Repeat("é", 200), strings.Repeat("x", 257)} {
		require.NotSame(t, unsafe.StringData(long), unsafe.StringData(text.Line(long)))
	}
}

func FuzzLine(f *testing.F) {
	f.Add("a\nb")
	f.Add(strings.Repeat("\u202e€", 1000))
	f.Fuzz(func(t *testing.T, s string) {
		line := text.Line(s)
		if len(line) > text.Most || !utf8.ValidString(line) || strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Fatalf("%q", line)
		}
		if text.Line(line) != line {
			t.Fatalf("%q is not fine yet", line)
		}
	})
}
