package policyfile

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
	"pgregory.net/rapid"
)

// JSON is YAML, and reads the same by the quick way as by that of YAML: values and places.
func TestJSONReadsAsYAML(t *testing.T) {
	space := rapid.SampledFrom([]string{"", " ", "\n", "\n  ", "\r\n "})
	word := rapid.Map(rapid.StringOfN(rapid.SampledFrom([]rune(`aä€ "\/:,{}[]#1 `)), 0, 8, -1), func(s string) string {
		quoted, _ := json.Marshal(s)
		return string(quoted)
	})
	var value func(depth int) *rapid.Generator[string]
	value = func(depth int) *rapid.Generator[string] {
		return rapid.Custom(func(t *rapid.T) string {
			kind := rapid.IntRange(0, 3)
			if depth == 0 {
				kind = rapid.IntRange(0, 1)
			}
			sp := func() string { return space.Draw(t, "space") }
			switch kind.Draw(t, "kind") {
			case 0:
				return word.Draw(t, "text")
			case 1:
				return rapid.SampledFrom([]string{"0", "-7", "3.25", "true", "false", "null", "1e3"}).Draw(t, "word")
			case 2:
				items := rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "items")
				return "[" + sp() + strings.Join(items, sp()+","+sp()) + sp() + "]"
			}
			fields := rapid.SliceOfN(value(depth-1), 0, 4).Draw(t, "fields")
			for i := range fields {
				fields[i] = fmt.Sprintf("%s%s: %s%s", word.Draw(t, "name"), sp(), sp(), fields[i])
			}
			return "{" + sp() + strings.Join(fields, sp()+","+sp()) + sp() + "}"
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		text := space.Draw(t, "before") + "{" + `"x": ` + value(3).Draw(t, "value") + "}" + space.Draw(t, "after")
		quick, ok := parseJSON([]byte(text), text)
		require.True(t, ok, text)
		var slow yaml.Node
		if err := yaml.Unmarshal([]byte(text), &slow); err != nil {
			t.Skip("YAML is not as free with line ends within a mapping") // a name and its colon have to be in one line
		}
		require.Equal(t, outline(slow.Content[0]), outline(quick), text)
	})
}

// outline is what of a node matters.
func outline(n *yaml.Node) string {
	tag := n.Tag
	switch {
	case n.Kind != yaml.ScalarNode:
		tag = ""
	case tag == "!!int": // in JSON there are numbers
		tag = "!!float"
	}
	s := fmt.Sprintf("%d:%d %d %s %q\n", n.Line, n.Column, n.Kind, tag, n.Value)
	for _, in := range n.Content {
		s += outline(in)
	}
	return s
}

// Whatever is not JSON is left to YAML.
func TestNotJSON(t *testing.T) {
	for _, text := range []string{"", " ", "[1]", "7", `"x"`, "{", "{a: 1}", `{"a": 1,}`, `{"a": 1} x`, `{"a": 01}`, strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000)} {
		_, ok := parseJSON([]byte(text), text)
		require.False(t, ok, short(text))
	}
}
