package grpcretry_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"google.golang.org/grpc/codes"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
)

func careful() (*classify.Catalog, error) {
	return grpcretry.Catalog().With(
		classify.Rule{Codes: "NOT_FOUND", Name: "Not found", Class: classify.Fatal}, // effect unknown
		classify.Rule{Codes: "pay.example.com/CARD_DECLINED", Name: "Declined", Class: classify.Fatal, Effect: classify.NotApplied},
		classify.Rule{Codes: "pay.example.com/KEY_REVOKED", Name: "Key revoked", Class: classify.Fatal, Effect: classify.NotApplied,
			Lockout: true, Fix: "Create another key."},
	)
}

// What the page on gRPC shows is compiled, and its table is the catalog's.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../docs/grpc.md")
	require.NoError(t, err)
	var source strings.Builder
	for _, file := range []string{"example_test.go", "page_test.go"} {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		source.Write(text)
	}
	blocks := regexp.MustCompile("(?ms)^```go\n(.*?)^```$").FindAllStringSubmatch(string(page), -1)
	require.Len(t, blocks, 4)
	for _, block := range blocks {
		require.Contains(t, source.String(), block[1])
	}
	rows := regexp.MustCompile(`(?m)^\| ([A-Z_]+) \| ([a-z-]+) \| ([a-z ]+) \| ([a-z]+) \|$`).FindAllStringSubmatch(string(page), -1)
	require.Len(t, rows, 16)
	for i, row := range rows {
		rule, ok := grpcretry.Catalog().Lookup(classify.Code(row[1]))
		require.True(t, ok)
		p := grpcretry.Policies().For(classify.Verdict{Class: rule.Class, Effect: rule.Effect, Code: classify.Code(row[1])})
		effect := map[classify.Effect]string{classify.Unknown: "unknown", classify.NotApplied: "not applied"}[rule.Effect]
		require.Equal(t, row[2:], []string{rule.Class.String(), effect, p.Breaker.String()}, row[1])
		var number codes.Code
		require.NoError(t, number.UnmarshalJSON([]byte(`"`+row[1]+`"`)))
		require.EqualValues(t, i+1, number, "gRPC's name, in its order")
		require.NotEmpty(t, rule.Fix)
	}
	require.Len(t, grpcretry.Catalog().Rules(), 16)
	_, err = careful()
	require.NoError(t, err)
}

// The tables for operators say the same of each code.
func TestTablesAgree(t *testing.T) {
	rule := regexp.MustCompile(`(?m)^  - \{code: (\w+), name: ([^,]+), class: ([a-z-]+),( effect: not-applied,)? `)
	breaker := regexp.MustCompile(`(?m)^  (\w+): \{breaker: (\w+)\}$`)
	for file, at := range map[string]int{"google-rpc.yaml": 1, "grpc.yaml": 2} {
		text, err := os.ReadFile("../policyfile/catalogs/" + file)
		require.NoError(t, err)
		rules := rule.FindAllStringSubmatch(string(text), -1)
		require.Len(t, rules, 16, file)
		names := map[string]string{} // of the codes that the file has, ours
		for _, r := range rules {
			names[r[1]] = r[at]
			ours, ok := grpcretry.Catalog().Lookup(classify.Code(r[at]))
			require.True(t, ok, r[at])
			require.Equal(t, r[3], ours.Class.String(), r[at])
			require.Equal(t, r[4] != "", ours.Effect == classify.NotApplied, r[at])
		}
		modes := breaker.FindAllStringSubmatch(string(text), -1)
		require.Len(t, modes, 4, file)
		for _, m := range modes {
			ours, _ := grpcretry.Catalog().Lookup(classify.Code(names[m[1]]))
			p := grpcretry.Policies().For(classify.Verdict{Class: ours.Class, Effect: ours.Effect, Code: classify.Code(names[m[1]])})
			require.Equal(t, p.Breaker.String(), m[2], names[m[1]])
		}
	}
}
