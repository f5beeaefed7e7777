package policyfile_test

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policyfile"
)

// table is a file with n rules, and policies for a tenth of them.
func table(n int) []byte {
	var b strings.Builder
	b.WriteString("name: large\nrules:\n")
	for i := range n {
		fmt.Fprintf(&b, "  - {code: %d, name: rule %d, class: retryable, effect: not-applied, fix: Wait., source: handbook}\n", 1000+3*i, i)
	}
	b.WriteString("codes:\n")
	for i := 0; i < n; i += 10 {
		fmt.Fprintf(&b, "  %d: {attempts: 3, backoff: {initial: 100ms, max: 2s}, cost: 7}\n", 1000+3*i)
	}
	return []byte(b.String())
}

// tableOfWords is the same for an API whose codes are words.
func tableOfWords(n int) []byte {
	return numbersInTables.ReplaceAllFunc(table(n), func(code []byte) []byte { return fmt.Appendf(nil, "payment_%s_declined", code) })
}

var numbersInTables = regexp.MustCompile(`\b[0-9]{4,}\b`)

// tableJSON is the same as a program would write it.
func tableJSON(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"name": "large", "rules": [`)
	for i := range n {
		fmt.Fprintf(&b, "%s\n  {\"code\": %d, \"name\": \"rule %d\", \"class\": \"retryable\", \"effect\": \"not-applied\", \"fix\": \"Wait.\", \"source\": \"handbook\"}",
			comma(i), 1000+3*i, i)
	}
	b.WriteString("\n],\n\"codes\": {")
	for i := 0; i < n; i += 10 {
		fmt.Fprintf(&b, "%s\n  \"%d\": {\"attempts\": 3, \"backoff\": {\"initial\": \"100ms\", \"max\": \"2s\"}, \"cost\": 7}", comma(i), 1000+3*i)
	}
	b.WriteString("\n}}\n")
	return []byte(b.String())
}

func comma(i int) string {
	if i == 0 {
		return ""
	}
	return ","
}

// Both say the same.
func TestLargeTables(t *testing.T) {
	asYAML, err := policyfile.Parse("yaml", table(1000))
	require.NoError(t, err)
	asJSON, err := policyfile.Parse("json", tableJSON(1000))
	require.NoError(t, err)
	same(t, asYAML.Policies, asJSON.Policies)
}

// What the YAML library by itself takes is beside it: reading a file in YAML is mostly that.
func BenchmarkParse10000(b *testing.B) {
	for name, file := range map[string]func(int) []byte{"yaml": table, "words": tableOfWords, "json": tableJSON} {
		b.Run(name, func(b *testing.B) {
			data := file(10_000)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := policyfile.Parse("large", data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for name, file := range map[string]func(int) []byte{"yaml": table, "words": tableOfWords} {
		b.Run("yaml library/"+name, func(b *testing.B) {
			data := file(10_000)
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				var n yaml.Node
				if err := yaml.Unmarshal(data, &n); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{20, 10_000} {
		f, err := policyfile.Parse("table", table(n))
		require.NoError(b, err)
		catalog := f.Policies.Catalog()
		known := make([]classify.Code, n)
		for i := range known {
			known[i] = classify.Code(fmt.Sprint(1000 + 3*i))
		}
		b.Run(fmt.Sprint("rule/", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				catalog.Lookup(known[i%n])
			}
		})
		v := classify.Verdict{Class: classify.Retryable}
		b.Run(fmt.Sprint("policy/", n), func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				v.Code = known[i%n]
				f.Policies.For(v)
			}
		})
	}
}

func TestLookupsDoNotAllocate(t *testing.T) {
	f, err := policyfile.Parse("table", table(10_000))
	require.NoError(t, err)
	require.Zero(t, testing.AllocsPerRun(1000, func() {
		f.Policies.Catalog().Lookup("4000")
		f.Policies.For(classify.Verdict{Class: classify.Retryable, Code: "4000"})
	}))
}

// hostile are files that cost a careless reader many times their size.
func hostile() map[string]string {
	return map[string]string{
		"lists in lists":      strings.Repeat("[", 9_000),
		"commas":              "[" + strings.Repeat(",a", 100_000),
		"mappings":            strings.Repeat("{a: ", 3_000),
		"laughs":              "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c]\n",
		"empty entries":       strings.Repeat("- \n", 50_000),
		"a long line":         "name: " + strings.Repeat("x", 1<<20),
		"many fields":         strings.Repeat("abcdefgh: x\n", 20_000),
		"questions":           strings.Repeat("? ", 20_000),
		"nothing but newline": strings.Repeat("\n", 1<<20),
		"indents":             indents(2_000),
	}
}

func indents(n int) string {
	var b strings.Builder
	for i := range n {
		b.WriteString(strings.Repeat(" ", i) + "a:\n")
	}
	return b.String()
}

// cost is how many bytes it takes to read a file.
func cost(data []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _ = policyfile.Parse("hostile", data)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func TestHostileFilesAreCheap(t *testing.T) {
	for name, data := range hostile() {
		t.Run(name, func(t *testing.T) {
			require.LessOrEqual(t, cost([]byte(data)), 100*uint64(len(data))+1<<20)
			_, err := policyfile.Parse("hostile", []byte(data))
			require.Error(t, err)
		})
	}
}

// FuzzParse lets a file hold anything: nothing panics or hangs, it takes at most a hundred times its size (and what any
// reading takes), and what is accepted can be explained.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"nexpay", "jsonrpc", "grpc", "http"} {
		data, _ := policyfile.Builtin(name)
		f.Add(data)
	}
	f.Add([]byte(whole))
	for _, data := range hostile() {
		if len(data) < 1000 {
			f.Add([]byte(data))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if used := cost(data); used > 100*uint64(len(data))+1<<20 {
			t.Fatalf("%d bytes took %d", len(data), used)
		}
		file, err := policyfile.Parse("fuzz", data)
		if (err == nil) == (file == nil) {
			t.Fatal("either a file or an error")
		}
		if file != nil {
			for _, code := range []classify.Code{"-32603", "", "100"} {
				_ = file.Policies.Explain(code).String()
			}
		}
	})
}
