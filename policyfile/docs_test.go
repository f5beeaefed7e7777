package policyfile

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const docs = "../docs/policies.md"

// reference lists the fields of a document, with those of what is in them below.
func reference() string {
	var b strings.Builder
	var section func(title string, t reflect.Type)
	section = func(title string, t reflect.Type) {
		fmt.Fprintf(&b, "\n**%s**\n\n| field | |\n|---|---|\n", title)
		var later []func()
		for i := range t.NumField() {
			f := t.Field(i)
			doc := f.Tag.Get("doc")
			if f.Tag.Get("required") == "true" {
				doc += " Required."
			}
			fmt.Fprintf(&b, "| `%s` | %s |\n", f.Tag.Get("name"), strings.ReplaceAll(doc, "|", `\|`))
			if in, title := inner(f); in != nil {
				later = append(later, func() { section(title, in) })
			}
		}
		for _, f := range later {
			f()
		}
	}
	section("A file", reflect.TypeFor[document]())
	return strings.TrimPrefix(b.String(), "\n")
}

// inner is what a field holds that has fields of its own. Policies are told of once.
func inner(f reflect.StructField) (reflect.Type, string) {
	switch {
	case f.Type == reflect.TypeFor[settings]():
		return f.Type, "A policy, in `default`, `classes`, `statuses` and `codes`"
	case f.Type.Kind() == reflect.Slice && f.Type.Elem().Kind() == reflect.Struct:
		return f.Type.Elem(), "An entry of `" + f.Tag.Get("name") + "`"
	case f.Type.Kind() == reflect.Struct && scalarOf(reflect.New(f.Type).Elem()) == nil:
		return f.Type, "`" + f.Tag.Get("name") + "`"
	}
	return nil, ""
}

func TestDocsListEveryField(t *testing.T) {
	const begin, end = "<!-- fields: go test ./policyfile -update -->\n", "<!-- end -->"
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(text), begin)
	require.True(t, ok)
	there, after, ok := strings.Cut(rest, end)
	require.True(t, ok)
	if flag.Lookup("update").Value.String() == "true" {
		there = reference()
		require.NoError(t, os.WriteFile(docs, []byte(before+begin+there+end+after), 0o644))
	}
	require.Equal(t, reference(), there, "run go test -update")
}

// The files in the documentation are right, and its code stands in the examples that run.
func TestDocsAreTrue(t *testing.T) {
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	files := regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	require.Len(t, files, 3)
	for _, file := range files {
		_, err := Parse("docs", []byte(file[1]))
		require.NoError(t, err)
	}
	written, err := os.ReadFile("testdata/acme.yaml")
	require.NoError(t, err)
	require.Equal(t, files[0][1], string(written), "the examples load it")

	examples, err := os.ReadFile("example_test.go")
	require.NoError(t, err)
	stands := map[string]bool{}
	for line := range strings.Lines(string(examples)) {
		stands[strings.ReplaceAll(strings.TrimSpace(line), "testdata/", "")] = true
	}
	for _, block := range regexp.MustCompile("(?s)```go\n(.*?)```").FindAllStringSubmatch(string(text), -1) {
		for line := range strings.Lines(block[1]) {
			if line = strings.TrimSpace(line); line != "" && line != "// …" {
				require.True(t, stands[line], "this line stands in no example: %s", line)
			}
		}
	}
}

// The mistakes that the documentation shows are told like this.
func TestDocsMistakes(t *testing.T) {
	text, err := os.ReadFile(docs)
	require.NoError(t, err)
	shown := regexp.MustCompile("(?s)```\n(acme.yaml:.*?)\n```").FindStringSubmatch(string(text))
	require.NotNil(t, shown)
	file, err := os.ReadFile("testdata/mistakes.yaml")
	require.NoError(t, err)
	_, err = Parse("acme.yaml", file)
	require.EqualError(t, err, shown[1])
}

// What the documentation says of fields that are left out is what package breaker says of its own.
func TestDocsTellTheDefaults(t *testing.T) {
	source, err := os.ReadFile("../breaker/config.go")
	require.NoError(t, err)
	fields, config := reflect.TypeFor[breakerSettings](), breakerSettings{}.config()
	checked := 0
	for i := range fields.NumField() {
		_, told, ok := strings.Cut(fields.Field(i).Tag.Get("doc"), "Default: ")
		if !ok || told == "no limit." {
			continue
		}
		name := fields.Field(i).Name
		require.True(t, reflect.ValueOf(config).FieldByName(name).IsValid())
		comment := regexp.MustCompile(`(?m)((?:^\t//.*\n)+)\t` + name + ` `).FindStringSubmatch(string(source))
		require.NotNil(t, comment, name)
		require.Regexp(t, `Zero means `+regexp.QuoteMeta(strings.TrimSuffix(told, "."))+`[,.; ]`, comment[1], name)
		checked++
	}
	require.Equal(t, 8, checked)
}
