package policyfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseJSON reads a JSON document, and returns false for any other. JSON is also YAML,
// and reads the same as YAML. But this parser is ten times as fast, which matters for a
// table of ten thousand rules that a program wrote. (The decoder of the standard library
// is as slow as that of YAML if positions are needed.)
//
// The values are substrings of text, which they keep in memory.
func parseJSON(data []byte, text string) (*yaml.Node, bool) {
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) == 0 || start[0] != '{' || !json.Valid(data) {
		return nil, false
	}
	var children []*yaml.Node // of the open nodes, those of the innermost last
	var open []opened
	for r := (jsonReader{data: text, line: 1, column: 1}); r.next(); {
		if c := r.data[0]; c == '}' || c == ']' {
			r.forward(1)
			last := open[len(open)-1]
			open = open[:len(open)-1]
			if rest := children[last.children:]; len(rest) > 0 {
				last.node.Content = slices.Clone(rest)
			}
			children = children[:last.children]
			continue
		}
		n := r.value()
		children = append(children, n)
		if n.Kind != yaml.ScalarNode {
			open = append(open, opened{n, len(children)})
		}
	}
	return children[0], true
}

// An opened node is a mapping or list whose end has not been read.
type opened struct {
	node     *yaml.Node
	children int // how many there were before its own
}

// syntaxJSON returns the place of a syntax error in a document that begins like JSON. The
// YAML library is less precise.
func syntaxJSON(data []byte) (*yaml.Node, error) {
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) == 0 || start[0] != '{' {
		return nil, nil
	}
	var all json.RawMessage
	err := json.Unmarshal(data, &all)
	wrong, ok := errors.AsType[*json.SyntaxError](err)
	if !ok {
		return nil, nil
	}
	r := jsonReader{data: string(data), line: 1, column: 1}
	r.forward(max(int(wrong.Offset)-1, 0)) // the offset is after the byte
	return &yaml.Node{Line: r.line, Column: r.column}, wrong
}

// A jsonReader reads JSON that is known to be valid.
type jsonReader struct {
	data         string // the rest
	line, column int    // where the rest begins
	nodes        []yaml.Node
}

// node returns a new node. Nodes are allocated by the hundred, which takes a third of the
// time.
func (r *jsonReader) node() *yaml.Node {
	if len(r.nodes) == 0 {
		r.nodes = make([]yaml.Node, min(len(r.data)/2, 100)+1)
	}
	n := &r.nodes[0]
	r.nodes = r.nodes[1:]
	n.Kind, n.Line, n.Column = yaml.ScalarNode, r.line, r.column
	return n
}

var between = bytesOf(" \t\r\n,:")

func bytesOf(set string) (is [256]bool) {
	for i := range len(set) {
		is[set[i]] = true
	}
	return is
}

// next moves to the next value, or to the end of one.
func (r *jsonReader) next() bool {
	n := 0
	for n < len(r.data) && between[r.data[n]] {
		n++
	}
	r.forward(n)
	return len(r.data) > 0
}

// value reads a value, or the beginning of a mapping or list.
func (r *jsonReader) value() *yaml.Node {
	n, length := r.node(), 1
	switch r.data[0] {
	case '{':
		n.Kind = yaml.MappingNode
	case '[':
		n.Kind = yaml.SequenceNode
	case '"':
		for ; r.data[length] != '"'; length++ {
			if r.data[length] == '\\' {
				length++
			}
		}
		length++
		n.Tag, n.Style, n.Value = "!!str", yaml.DoubleQuotedStyle, unquoted(r.data[:length])
	default:
		length = len(r.data)
		if end := strings.IndexAny(r.data, " \t\r\n,]}"); end > 0 {
			length = end
		}
		n.Value = r.data[:length]
		switch n.Value {
		case "null":
			n.Tag = "!!null"
		case "true", "false":
			n.Tag = "!!bool"
		default:
			n.Tag = "!!float"
		}
	}
	r.forward(length)
	return n
}

func unquoted(s string) string {
	if strings.IndexByte(s, '\\') < 0 {
		return s[1 : len(s)-1]
	}
	var text string
	_ = json.Unmarshal([]byte(s), &text) // valid
	return text
}

// forward skips bytes, and counts lines and, as YAML does, characters.
func (r *jsonReader) forward(n int) {
	for i := range n {
		switch c := r.data[i]; {
		case c == '\n':
			r.line, r.column = r.line+1, 1
		case c&0xc0 != 0x80: // not within a character
			r.column++
		}
	}
	r.data = r.data[n:]
}
