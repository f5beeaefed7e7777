package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestInit(t *testing.T) {
	name := filepath.Join(t.TempDir(), "policies.yaml")
	got := on(0, "", "init", name)
	require.Equal(t, result{out: name + ": fill in the empty fields, then run: nexpolicy lint " + name + "\n"}, got)
	data, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, string(data), on(0, "", "init").out)

	got = on(0, "", "lint", name)
	require.Equal(t, exitDiffers, got.exit)
	require.Equal(t, name+":14:6: the value is missing\n"+name+":23:8: the value is missing\n", got.out, "what has to be filled in, and nothing else")

	require.NoError(t, os.WriteFile(name, []byte(filledIn(string(data))), 0o600))
	got = on(0, "", "lint", name)
	require.Zero(t, got.exit, got.out)
	got = on(0, "", "init", name)
	require.Equal(t, exitMistaken, got.exit)
	require.Contains(t, got.errs, "file exists")
	kept, err := os.ReadFile(name)
	require.NoError(t, err)
	require.Equal(t, filledIn(string(data)), string(kept))
	require.Equal(t, exitMistaken, on(0, "", "init", filepath.Join(t.TempDir(), "no", "folder.yaml")).exit)
}

func filledIn(file string) string {
	return strings.NewReplacer("\nname:\n", "\nname: Acme\n", "\n  code:\n", "\n  code: $.error.code\n").Replace(file)
}

// setting is one that stands behind a #: what explains has a blank there.
var setting = regexp.MustCompile(`(?m)^( *)#(|  )([a-z0-9])`)

// With all that stands behind a # the file is right as well, and does what it did: it says what is so anyway.
func TestInitWithAll(t *testing.T) {
	whole := setting.ReplaceAllString(filledIn(string(start)), "$1$2$3")
	whole = strings.Replace(whole, "\nextends: http\n", "\n", 1)
	path := file(t, whole)
	got := on(0, "", "lint", path)
	require.Zero(t, got.exit, got.out)
	require.Contains(t, whole, "\ndefault:\n  attempts: 4")
}

// Every field there is stands in the file.
func TestInitNamesEveryField(t *testing.T) {
	data, err := os.ReadFile("../../policyfile/schema.json")
	require.NoError(t, err)
	var schema any
	require.NoError(t, json.Unmarshal(data, &schema))
	var fields []string
	var collect func(v any)
	collect = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, in := range v {
				if properties, ok := in.(map[string]any); ok && name == "properties" {
					for field := range properties {
						fields = append(fields, field)
					}
				}
				collect(in)
			}
		case []any:
			for _, in := range v {
				collect(in)
			}
		}
	}
	collect(schema)
	slices.Sort(fields)
	fields = slices.Compact(fields)
	require.Greater(t, len(fields), 40)
	for _, field := range fields {
		if field != "$schema" { // in YAML that is a comment
			require.Regexp(t, `(?m)[-# {,]`+regexp.QuoteMeta(field)+`:|^`+regexp.QuoteMeta(field)+`:`, string(start), field)
		}
	}
}

func TestCatalogs(t *testing.T) {
	got := on(0, "", "catalogs")
	require.Zero(t, got.exit)
	lines := strings.Split(strings.TrimSpace(got.out), "\n")
	require.Regexp(t, `^name +API +rules +code in an answer +idempotency key$`, lines[0])
	require.Regexp(t, `(?m)^nexpay +Nexpay +29 +\$\.errors\[\*\]\.code$`, got.out)
	require.Regexp(t, `(?m)^sqlstate +SQLSTATE +32 `, got.out)
	require.Len(t, lines, 1+len(builtins(t)))
}

func builtins(t *testing.T) []string {
	found, err := filepath.Glob("../../policyfile/catalogs/*.yaml")
	require.NoError(t, err)
	return found
}
