package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/long"
)

// sample has something for every kind of mutant, and tests that hold some.
const sample = `package sample

const limit = 3

func Add(n, more int, twice bool) (sum int, ok bool) {
	defer func() { ok = ok || more == 0 }()
	for range 2 {
		if sum += more; !twice {
			break
		}
	}
	sum += n
	if sum >= limit {
		return limit, true
	}
	n++
	return sum, false
}
`

const sampleTest = `package sample

import "testing"

func TestAdd(t *testing.T) {
	if sum, ok := Add(1, 1, false); sum != 2 || ok {
		t.Fatal(sum, ok)
	}
	if sum, _ := Add(1, 3, true); sum > 3 {
		t.Fatal(sum)
	}
}
`

const survivors = "" +
	"6\t- `sample.go` `defer func() { ok = ok || more == 0 }()`: `defer func() { ok = ok || more == 0 }()` → nothing\n" +
	"6\t- `sample.go` `defer func() { ok = ok || more == 0 }()`: `ok = ok || more == 0` → nothing\n" +
	"6\t- `sample.go` `defer func() { ok = ok || more == 0 }()`: `||` → `&&`\n" +
	"6\t- `sample.go` `defer func() { ok = ok || more == 0 }()`: `0` → `(0 - 1)`\n" +
	"7\t- `sample.go` `for range 2 {`: `2` → `(2 + 1)`\n" +
	"7\t- `sample.go` `for range 2 {`: `2` → `(2 - 1)`\n" +
	"13\t- `sample.go` `if sum >= limit {`: `>=` → `>`\n" +
	"14\t- `sample.go` `return limit, true`: `limit` → `*new(int)`\n" +
	"14\t- `sample.go` `return limit, true`: `true` → `false`\n" +
	"16\t- `sample.go` `n++`: `n++` → nothing\n" +
	"16\t- `sample.go` `n++`: `++` → `--`\n" +
	".: 23 of 23 mutants: 12 killed, 0 listed as making no difference, 11 survived: score 52.2 %\n"

func sampleIn(t *testing.T) {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("GOWORK", "off")
	t.Setenv("GOFLAGS", "")
	for name, text := range map[string]string{
		"go.mod": "module sample\n\ngo 1.26\n", "sample.go": sample, "sample_test.go": sampleTest, "list.md": "",
	} {
		require.NoError(t, os.WriteFile(name, []byte(text), 0o600))
	}
}

// What the tests do not hold is found, and what they hold is not; what does not
// compile does not count, and a mutant of a constant gets its own build.
func TestSurvivors(t *testing.T) {
	sampleIn(t)
	var out bytes.Buffer
	clean, err := try(&out, ".", options{only: regexp.MustCompile("")}, nil)
	require.NoError(t, err)
	require.False(t, clean)
	require.Equal(t, survivors, out.String())

	// As listed, they are no complaint.
	listed := "## `.`\n"
	for line := range strings.Lines(survivors) {
		if _, entry, ok := strings.Cut(line, "\t"); ok {
			listed += entry
		}
	}
	require.NoError(t, os.WriteFile("list.md", []byte(listed), 0o600))
	known, err := equivalents("list.md")
	require.NoError(t, err)
	for _, all := range []bool{false, true} {
		if all && !long.Tests() {
			continue
		}
		out.Reset()
		clean, err = try(&out, ".", options{only: regexp.MustCompile(""), listed: all}, known)
		require.NoError(t, err)
		require.True(t, clean, out.String())
		require.Equal(t, ".: 23 of 23 mutants: 12 killed, 11 listed as making no difference, 0 survived: score 100.0 %\n", out.String())
	}
}

func TestEntriesAreRead(t *testing.T) {
	list := strings.Join([]string{
		"# Title", "## `a/b`", "text", "- `x.go` `if a || b {`: `||` → `&&`", "  - `x.go` `f()`: `f()` → nothing (3)", "- not one", "",
	}, "\n")
	t.Chdir(t.TempDir())
	require.NoError(t, os.WriteFile("list.md", []byte(list), 0o600))
	all, err := equivalents("list.md")
	require.NoError(t, err)
	require.Equal(t, map[known]bool{
		{"a/b", "x.go", "if a || b {", "||", "&&", 1}: true,
		{"a/b", "x.go", "f()", "f()", "", 3}:          true,
	}, all)
}
