package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
)

func sets(t testing.TB, files ...string) (all []*policy.Set) {
	t.Helper()
	for _, file := range files {
		f, err := policyfile.Parse("f", []byte(file))
		require.NoError(t, err)
		all = append(all, f.Policies)
	}
	return all
}

// Stretches know every code of any table once.
func TestStretches(t *testing.T) {
	for name, tt := range map[string]struct {
		files []string
		want  string
	}{
		"of two tables": {[]string{
			"name: a\nrules: [{code: 1..10, name: x, class: fatal}, {code: 5, name: y, class: fatal}, {code: 9223372036854775807, name: z, class: fatal}]\ncodes: {7: {breaker: trip}}\n",
			"name: b\nrules: [{code: 9..12, name: x, class: fatal}]\n"}, "1..4 5 6 7 8 9..10 11..12 9223372036854775807"},
		"below zero": {[]string{"name: a\nrules: [{code: -9..-3, name: x, class: fatal}, {code: -5, name: y, class: fatal}]\n"}, "-9..-6 -5 -4..-3"},
		"words": {[]string{
			"name: a\nrules: [{code: b, name: x, class: fatal}, {code: B*, name: y, class: fatal}, {code: 7, name: z, class: fatal}]\n",
			"name: b\nrules: [{code: \"b c\", name: x, class: fatal}, {code: B*, name: y, class: fatal}, {code: BB, name: z, class: fatal}]\n"}, `7 B* BB b "b c"`},
		"a policy for one of many": {[]string{"name: a\nrules: [{code: E*, name: x, class: retryable}]\ncodes: {EA: {cost: 1}}\n"}, "E* EA"},
		"numbers that begin so":    {[]string{"name: a\nrules: [{code: 40..60, name: x, class: retryable}, {code: \"5*\", name: y, class: fatal}]\n"}, "40..49 60 5*"},
		"and below zero":           {[]string{"name: a\nrules: [{code: -60..2, name: x, class: retryable}, {code: \"-*\", name: y, class: fatal}]\n"}, "0..2 -*"},
		"in one of two": {[]string{"name: a\nrules: [{code: 40..60, name: x, class: retryable}]\n",
			"name: b\nrules: [{code: 40..60, name: x, class: retryable}, {code: \"5*\", name: y, class: fatal}]\n"}, "40..49 50..59 60 5*"},
		"large": {[]string{"name: a\nrules: [{code: 9999999999999999999999999999999999999998..9999999999999999999999999999999999999999, name: x, class: fatal}]\n"},
			"9999999999999999999999999999999999999998..9999999999999999999999999999999999999999"},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, s := range stretches(sets(t, tt.files...)...) {
				got = append(got, s.String())
			}
			require.Equal(t, tt.want, strings.Join(got, " "))
		})
	}
}

// What stands for all codes that begin alike is none that something else is said of.
func TestStretchExamples(t *testing.T) {
	long := strings.Repeat("L", 128)
	for _, s := range stretches(sets(t,
		"name: a\nrules: [{code: E*, name: E*, class: fatal}, {code: E…*, name: E…*, class: fatal}, {code: E~, name: E~, class: fatal}, {code: "+long+"*, name: L*, class: fatal}]\n")...) {
		r, ok := sets(t, "name: a\nrules: [{code: E*, name: E*, class: fatal}, {code: E…*, name: E…*, class: fatal}, {code: E~, name: E~, class: fatal}, {code: "+long+"*, name: L*, class: fatal}]\n")[0].Catalog().Lookup(s.code)
		require.True(t, ok)
		require.Equal(t, s.codes, r.Codes)
	}
}

func TestOwnCodesOfBoth(t *testing.T) {
	c := comparison{from: sets(t, "name: a\nrules: [{code: b, name: x, class: retryable}]\ncodes: {b: {cost: 1}}\n")[0], to: policy.Nexpay()}
	require.Equal(t, []classify.Code{"", "130", "140", "b"}, c.ownCodes())
}
