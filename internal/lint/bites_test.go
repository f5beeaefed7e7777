package lint_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Each rule is shown what it forbids, next to what it allows. A » marks a line to
// complain of.
func TestRulesBite(t *testing.T) {
	atRoot(t)
	t.Parallel()
	for _, row := range []struct{ rule, file, source string }{
		{"imports point one way", "classify/a.go", `package classify
			import "net/http"
			import "github.com/nexpay-go/resilience/policy" // »
			import "github.com/stretchr/testify/require" // »
			import "C" // »`},
		{"imports point one way", "retry/a.go", `package retry
			import "github.com/nexpay-go/resilience/internal/hook"
			import _ "github.com/nexpay-go/resilience/nexpay" // »
			import "github.com/nexpay-go/resilience" // »
			import "github.com/cenkalti/backoff/v4" // »`},
		{"imports point one way", "policy/a.go", `package policy
			import "github.com/cenkalti/backoff/v4"
			import "github.com/cenkalti/backoff/v5" // »`},
		{"imports point one way", "retry/a_test.go", `package retry_test
			import "github.com/nexpay-go/resilience/nexpay"`},
		{"imports point one way", "examples/a/main.go", `package main
			import "github.com/nexpay-go/resilience/internal/hook"`},
		{"imports point one way", "retry/journaltest/a.go", `package journaltest
			import "testing"
			import "github.com/nexpay-go/resilience/retry"
			import "github.com/stretchr/testify/require" // »`},
		{"imports point one way", "journal/sqljournal/a.go", `package sqljournal
			import "github.com/nexpay-go/resilience/journal/internal/entry"
			import "github.com/jackc/pgx/v5" // »
			import "go.etcd.io/bbolt" // »`},
		{"imports point one way", "extra/a.go", `package extra // »`},

		{"what is logged is words", "retry/a.go", `package retry
			type Word uint8
			func (w Word) String() string { return "" }
			func (w Word) MarshalText() ([]byte, error) { return nil, nil }
			type Number uint8 // »
			func (n Number) String() string { return "" }
			type own uint8
			func (o own) String() string { return "" }
			type Text string
			func (t Text) String() string { return "" }`},

		{"the landing page exports nothing", "doc.go", `package resilience
			const Version = 1 // »`},
		{"the landing page exports nothing", "a_test.go", `package resilience_test
			const Version = 1`},

		{"the engine knows no vendor", "classify/nexpay.go", `package classify
			func Nexpay() string { return "nexpay" }`},
		{"the engine knows no vendor", "classify/a.go", `package classify
			// Like [Nexpay].
			// Like Nexpay. »
			func A() { _ = nexpay } // »
			const url = "https://NEXPAY.test" // »
			const source = "\x6eexpay" // »`},
		{"the engine knows no vendor", "policy/a.go", `package policy
			// See policy.Nexpay().
			type nexpayPolicy struct{} // »`},
		{"the engine knows no vendor", "nonce/a.go", `package nonce
			// Not even [Nexpay]. »
			import nexpay "time" // »`},
		{"the engine knows no vendor", "internal/a/nexpay.go", `package a // »`},
		{"the engine knows no vendor", "breaker/a.go", `package breaker
			import "github.com/nexpay-go/resilience/internal/hook"
			var _ = classify.Nexpay() // »`},
		{"the engine knows no vendor", "retry/a.go", `// Package retry is for the Nexpay API.
			// It does not like Nexpay. »
			package retry
			// Config is right for the Nexpay API.
			type Config struct {
				A int // nil: classify.Nexpay()
				B int // nil: what Nexpay says »
			}
			// See policy.Nexpay(). »
			type Other struct{}
			func (c *Config) defaults() {
				_ = classify.Nexpay()
				_ = policy.Nexpay()
				_ = classify.Nexpay() // »
				_ = nonce.Nexpay() // »
				_ = classify.Nexpay // »
				_ = policy.Nexpay(1) // »
			}`},
		{"the engine knows no vendor", "retry/a_test.go", `package retry_test
			var nexpay int`},
		{"the engine knows no vendor", "nexpay/a.go", `package nexpay`},

		{"every export has a doc comment", "retry/a.go", `package retry
			// A is told of.
			func A() {}
			func /*»*/ B() {}
			func c() {}
			// T is told of.
			type T[P any] struct{ Field int }
			func /*»*/ (t *T[P]) M() {}
			type hidden int
			func (hidden) M() {}
			type U int // told of behind
			type (
				// V is told of.
				V int
				/*»*/ W int
			)
			type /*»*/ X int
			// Some.
			const (
				D = 1
				E = 2
			)
			const (
				F = 1 // told of
				/*»*/ G, h = 2, 3
			)
			var /*»*/ I, J int
			//go:noinline
			func /*»*/ K() {}`},

		{"every package has a comment", "retry/a.go", `package retry // »`},
		{"every package has a comment", "retry/a.go", `// Some words.
			package retry // »`},
		{"every package has a comment", "retry/a.go", `// Package retry is told of.
			package retry`},
		{"every package has a comment", "examples/a/main.go", `// A program.
			package main`},
		{"every package has a comment", "examples/a/main.go", `package main // »`},

		{"nothing is left to do", "retry/a.go", `package retry
			// TODO: all of it »
			/* FIXME » */
			func todo() { panic("TODO") } // »`},
		{"nothing is left to do", "retry/a_test.go", `package retry_test
			const a = "TODO"
			// XXX »`},

		{"no test is skipped in silence", "retry/a_test.go", `package retry_test
			func TestA(t *testing.T) {
				t.Skip("it is Monday")
				t.Skipf("it is %s", day)
				t.Skip() // »
				t.Skip(" ") // »
				t.Skipf("") // »
				t.SkipNow() // »
			}`},
		{"no test is skipped in silence", "retry/a.go", `package retry
			func (r *reader) a() { r.Skip() }`},

		{"rules that are cited are written", "retry/a.go", `package retry
			// M3, and M10: see S1.
			// M11 is none. »
			var rows = []row{{"M6"}, {"N2"}}
			var more = []row{{"N9"}} // »
			type M99 struct{}`},
	} {
		t.Run(row.rule+" in "+row.file, func(t *testing.T) {
			t.Parallel()
			rule := rules[row.rule]
			require.NotNil(t, rule)
			require.Equal(t, marked(row.source), lines(rule(parse(t, map[string]string{row.file: row.source}))))
		})
	}
}

// marked returns the numbers of the lines with a mark.
func marked(source string) []int {
	at := []int{}
	for i, line := range strings.Split(source, "\n") {
		if strings.Contains(line, "»") {
			at = append(at, i+1)
		}
	}
	return at
}

// lines returns the numbers of the lines complained of, each once.
func lines(found []string) []int {
	at := []int{}
	for _, complaint := range found {
		n, err := strconv.Atoi(strings.SplitN(complaint, ":", 3)[1])
		if err != nil {
			panic(complaint)
		}
		at = append(at, n)
	}
	slices.Sort(at)
	return slices.Compact(at)
}
