package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/internal/spelling"

	"github.com/nexpay-go/resilience/classify"
)

// mostBytes limits the size of a file, far above that of any table.
const mostBytes = 4 << 20

// mostEntries limits lists and mappings: checks combine every code with every status.
const mostEntries = 50_000

// A decoder reads a document and collects the mistakes in it.
type decoder struct {
	problems []Problem
	more     int                       // problems that are not reported
	bad      map[*yaml.Node]bool       // values with problems: missing fields may be among what could not be read
	places   map[string]*yaml.Node     // places in the file, by their names in errors
	spans    map[string]string         // by status, the range that includes it
	names    map[reflect.Type][]string // of their fields
	judges   bool                      // answers are classified by their status
	success  []classify.Code           // codes that mean success; nil: 0
	name     string                    // of the file
	text     string                    // and its content
}

func newDecoder() *decoder {
	return &decoder{bad: map[*yaml.Node]bool{}, places: map[string]*yaml.Node{}, spans: map[string]string{}, names: map[reflect.Type][]string{}}
}

func (d *decoder) wrong(n *yaml.Node, format string, args ...any) {
	if d.full() {
		d.more++
		return
	}
	p := Problem{Text: strings.Map(printable, fmt.Sprintf(format, args...))}
	if n != nil {
		p.Line, p.Column = n.Line, n.Column
	}
	d.problems = append(d.problems, p)
}

// printable removes control sequences from error texts: a library may quote the file.
func printable(r rune) rune {
	if !unicode.IsGraphic(r) {
		return utf8.RuneError
	}
	return r
}

// full reports whether the limit of problems is reached. A wrong file would yield too
// many to read, and a hostile one should not cost more than its size.
func (d *decoder) full() bool { return len(d.problems) >= mostProblems }

func (d *decoder) count() int { return len(d.problems) + d.more }

// parse reads YAML, which includes JSON.
func (d *decoder) parse(data []byte) *yaml.Node {
	switch {
	case len(data) > mostBytes:
		d.wrong(nil, "the file is larger than %d MiB", mostBytes>>20)
		return nil
	case crumbs(data):
		d.wrong(nil, "not a table of policies: it is almost only punctuation")
		return nil
	}
	if root, ok := parseJSON(data, d.text); ok {
		return root
	}
	decoder := yaml.NewDecoder(bytes.NewReader(as11(data)))
	var doc, second yaml.Node
	err := decoder.Decode(&doc)
	switch {
	case errors.Is(err, io.EOF):
		d.wrong(nil, "the file is empty")
		return nil
	case err != nil:
		d.syntax(data, err)
		return nil
	}
	if err := decoder.Decode(&second); !errors.Is(err, io.EOF) {
		d.wrong(nil, "the file has more than one document")
		return nil
	}
	if len(doc.Content) != 1 {
		d.wrong(nil, "the file is empty")
		return nil
	}
	return doc.Content[0]
}

var punctuation = bytesOf(",[]{}:-?&*!|>\n")

// crumbs reports whether reading the file would cost many times its size: every value
// needs a node, even if it is one byte long.
func crumbs(data []byte) bool {
	n := 0
	for _, c := range data {
		if punctuation[c] {
			n++
		}
	}
	return n > 1000 && n > len(data)/3
}

var syntaxLine = regexp.MustCompile(`^yaml: line (\d+): (.*)$`)

// syntax reports a syntax error of the library.
func (d *decoder) syntax(data []byte, err error) {
	if n, err := syntaxJSON(data); err != nil {
		d.wrong(n, "neither JSON nor YAML: %v", err)
		return
	}
	text := strings.ReplaceAll(err.Error(), "\n", " ")
	if m := syntaxLine.FindStringSubmatch(text); m != nil {
		line, _ := strconv.Atoi(m[1])
		d.wrong(&yaml.Node{Line: line}, "not YAML: %s", m[2])
		return
	}
	d.wrong(nil, "not YAML: %s", strings.TrimPrefix(text, "yaml: "))
}

// A scalar parses its own text.
type scalar interface{ parse(text string) error }

// value reads a node into v.
func (d *decoder) value(n *yaml.Node, v reflect.Value) {
	before := d.count()
	if d.read(n, v); d.count() > before {
		d.bad[n] = true
		d.soften(n, v.Addr().Interface())
	}
}

func (d *decoder) read(n *yaml.Node, v reflect.Value) {
	if n.Kind == yaml.AliasNode || n.Anchor != "" {
		d.wrong(n, "anchors and aliases are not supported: repeat the value")
		return
	}
	if s := scalarOf(v); s != nil {
		d.scalar(n, s)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.fields(n, v)
	case reflect.Map:
		d.entries(n, v)
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.String && n.Kind != yaml.SequenceNode {
			d.only(n, v)
			return
		}
		d.items(n, v)
	}
}

func (d *decoder) scalar(n *yaml.Node, s scalar) {
	switch {
	case n.Kind != yaml.ScalarNode:
		d.wrong(n, "expected a single value, not a %s", kind(n))
	case isCode(s) && misread(n) != "":
		d.wrong(n, "without quotes YAML reads %s as %s: write \"%[1]s\"", short(n.Value), misread(n))
	case n.Tag == "!!null":
		d.wrong(n, "the value is missing")
	default:
		err := s.parse(n.Value)
		if err == nil {
			err = quotes(n, s)
		}
		if err != nil {
			d.wrong(n, "%v", err)
		}
	}
}

// quotes checks how a value is written: text that looks like a number needs quotes, and a
// number must not have them.
func quotes(n *yaml.Node, s scalar) error {
	switch s.(type) {
	case *text:
		if n.Tag == "!!int" || n.Tag == "!!float" || n.Tag == "!!bool" {
			return fmt.Errorf("%s is not text: write \"%[1]s\"", short(n.Value))
		}
	case *count, *amount, *ratio, *number, *truth:
		if n.Tag == "!!str" && n.Value != none {
			return fmt.Errorf("%q is text: write it without quotes", short(n.Value))
		}
	}
	return nil
}

func kind(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "mapping"
	case yaml.SequenceNode:
		return "list"
	}
	return "value"
}

// fields reads a mapping with known fields.
func (d *decoder) fields(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, "expected fields, not a %s: %s", kind(n), strings.Join(d.fieldNames(v.Type()), ", "))
		return
	}
	names := d.fieldNames(v.Type())
	var room [32]int           // more than any struct has
	lines := room[:len(names)] // of each field
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		index := slices.Index(names, key.Value)
		switch {
		case index < 0 || key.Kind != yaml.ScalarNode:
			d.unknown(key, names)
			continue
		case lines[index] > 0:
			d.wrong(key, "duplicate field %s, first in line %d", key.Value, lines[index])
			continue
		}
		lines[index] = key.Line
		d.value(value, v.Field(index))
	}
}

func (d *decoder) fieldNames(t reflect.Type) []string {
	names := d.names[t]
	if names == nil {
		names = make([]string, t.NumField())
		for i := range names {
			names[i] = t.Field(i).Tag.Get("name")
		}
		d.names[t] = names
	}
	return names
}

// entries reads a mapping whose keys are scalars of their own type.
func (d *decoder) entries(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.MappingNode {
		d.wrong(n, "expected a mapping, not a %s", kind(n))
		return
	}
	if len(n.Content)/2 > mostEntries {
		d.wrong(n, "%d entries are more than the limit of %d", len(n.Content)/2, mostEntries)
		return
	}
	v.Set(reflect.MakeMap(v.Type()))
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := reflect.New(v.Type().Key()).Elem()
		before := d.count()
		d.scalar(n.Content[i], scalarOf(key))
		if d.count() > before {
			continue
		}
		if v.MapIndex(key).IsValid() {
			d.wrong(n.Content[i], "duplicate key %s", n.Content[i].Value)
			continue
		}
		value := reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], value)
		v.SetMapIndex(key, value)
		d.places[placeOf(key)] = n.Content[i]
	}
}

func (d *decoder) items(n *yaml.Node, v reflect.Value) {
	if n.Kind != yaml.SequenceNode {
		d.wrong(n, "expected a list, not a %s: begin each entry with a dash, or put all entries in [ ]", kind(n))
		return
	}
	if len(n.Content) > mostEntries {
		d.wrong(n, "%d entries are more than the limit of %d", len(n.Content), mostEntries)
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		d.value(item, v.Index(i))
	}
}

// unknown reports an unknown field.
func (d *decoder) unknown(key *yaml.Node, names []string) {
	hint := ""
	if !d.full() {
		hint = nearest(key.Value, names)
	}
	d.wrong(key, "unknown field %q%s", short(key.Value), hint)
}

// nearest returns a hint at the name that was probably meant, or a list of all names.
func nearest(name string, names []string) string {
	if best := closest(name, names); best != "" {
		return fmt.Sprintf("; did you mean %s?", best)
	}
	return "; known are:  " + strings.Join(names, ", ")
}

// closest returns the name that begins with this text or differs least from it, or "" if
// more than half differs.
func closest(name string, names []string) (best string) {
	least := len(name)/2 + 1
	for _, n := range names {
		if len(name) >= 3 && strings.HasPrefix(n, name) {
			return n
		}
		if distance := spelling.Distance(name, n); distance < least {
			best, least = n, distance
		}
	}
	return best
}

// short shortens text that is quoted from a file.
func short(s string) string {
	if len(s) > 40 {
		return strings.ToValidUTF8(s[:40], "") + "…"
	}
	return s
}
