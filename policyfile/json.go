package policyfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// parseJSON reads a document that is JSON, and reports false for anything else. It
// is YAML as well, and reads the same as such; but a table of ten thousand rules,
// which a program has written, is read ten times as fast this way. (The decoder of
// the standard library takes as long as that of YAML where positions are asked for.)
//
// Texts are parts of the file's, which they keep in memory.
func parseJSON(data []byte, text string) (*yaml.Node, bool) {
	if start := bytes.TrimLeft(data, " \t\r\n"); len(start) == 0 || start[0] != '{' || !json.Valid(data) {
		return nil, false
	}
	var children []*yaml.Node // of what is open, those of the innermost last
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

// An opened mapping or list has not come to its end.
type opened struct {
	node     *yaml.Node
	children int // how many there were before its own
}

// syntaxJSON tells where a document that means to be JSON is wrong: YAML's library
// does not know that so well.
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
	r.forward(max(int(wrong.Offset)-1, 0)) // it is behind the byte
	return &yaml.Node{Line: r.line, Column: r.column}, wrong
}

// A jsonReader goes through JSON that is known to be valid.
type jsonReader struct {
	data         string // what is left
	line, column int    // where that begins
	nodes        []yaml.Node
}

// node is a new one. They are made by the hundred, which takes a third of the time.
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

// next goes to the next value, or the end of one.
func (r *jsonReader) next() bool {
	n := 0
	for n < len(r.data) && between[r.data[n]] {
		n++
	}
	r.forward(n)
	return len(r.data) > 0
}

// value reads a value: of a mapping or list its beginning.
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

// forward skips bytes, and counts lines and, as YAML does, letters.
func (r *jsonReader) forward(n int) {
	for i := range n {
		switch c := r.data[i]; {
		case c == '\n':
			r.line, r.column = r.line+1, 1
		case c&0xc0 != 0x80: // not within a letter
			r.column++
		}
	}
	r.data = r.data[n:]
}
