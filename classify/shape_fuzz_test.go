package classify_test

import (
	"bytes"
	"encoding/json"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// A tree is a JSON value as it stands, members twice included.
type tree struct {
	scalar  any // string, json.Number, bool or nil
	kind    byte
	keys    []string
	members []tree
}

func readTree(d *json.Decoder) (tree, error) {
	token, err := d.Token()
	if err != nil {
		return tree{}, err
	}
	delim, is := token.(json.Delim)
	if !is {
		return tree{scalar: token, kind: 's'}, nil
	}
	t := tree{kind: byte(delim)}
	for d.More() {
		if delim == '{' {
			key, err := d.Token()
			if err != nil {
				return tree{}, err
			}
			t.keys = append(t.keys, key.(string))
		}
		member, err := readTree(d)
		if err != nil {
			return tree{}, err
		}
		t.members = append(t.members, member)
	}
	_, err = d.Token()
	return t, err
}

// leaf is a value at the end of a path, and the elements on the way to it.
type leaf struct {
	at    string
	value tree
}

// follow walks a path of names and [*] by the book, one value after the other.
func (t tree) follow(path []string, at string, counts map[string]int) (found []leaf) {
	if len(path) == 0 {
		return []leaf{{at, t}}
	}
	if path[0] == "*" {
		each := t.members
		if t.kind != '[' { // counts as one, unless it says that there is none
			each = []tree{t}
			if t.none() {
				each = nil
			}
		}
		for _, m := range each {
			counts[path[0]+at]++
			found = append(found, m.follow(path[1:], at+"/"+string(rune('0'+counts[path[0]+at])), counts)...)
		}
		return found
	}
	if t.kind == '{' {
		for i, key := range t.keys {
			if key == path[0] {
				found = append(found, t.members[i].follow(path[1:], at, counts)...)
			}
		}
	}
	return found
}

func (t tree) none() bool {
	switch v := t.scalar.(type) {
	case string:
		return strings.TrimSpace(v) == ""
	case json.Number:
		f, _, err := big.ParseFloat(v.String(), 10, 64, big.ToNearestEven)
		return err == nil && f.Sign() == 0
	case bool:
		return !v
	}
	return t.kind == 's' || len(t.members) == 0
}

// code is what a value says by the documentation.
func (t tree) code() classify.Code {
	switch v := t.scalar.(type) {
	case string:
		if c := classify.Code(v); c.Valid() {
			return c
		}
	case json.Number:
		text := v.String()
		mantissa, exponent, _ := strings.Cut(strings.ToLower(text), "e")
		if len(strings.TrimLeft(exponent, "+-0")) < 4 && len(mantissa) < 300 {
			if r, ok := new(big.Rat).SetString(text); ok && r.IsInt() && len(new(big.Int).Abs(r.Num()).String()) <= 40 {
				return classify.Code(r.Num().String())
			}
		}
		if len(text) <= 128 {
			return classify.Code(text)
		}
	}
	return ""
}

// codesBy is what the first of the paths finds that finds an error's code.
func (t tree) codesBy(paths [][]string) []classify.Code {
	for _, path := range paths {
		leaves := t.follow(path, "", map[string]int{})
		if !slices.ContainsFunc(leaves, func(l leaf) bool { c := l.value.code(); return c != "" && c != "0" }) {
			continue
		}
		var codes []classify.Code
		for i, l := range leaves {
			twice := false
			for j, o := range leaves {
				twice = twice || i != j && o.at == l.at
			}
			if c := l.value.code(); !twice && c != "" && c != "0" {
				codes = append(codes, c)
			}
		}
		return codes
	}
	return nil
}

// FuzzShape holds what a shape finds to a plain reader of the same paths.
func FuzzShape(f *testing.F) {
	for _, body := range []string{
		`{"error":{"code":"card_declined","decline_code":"stolen"}}`, `{"error":["EAPI:x",7,null,"y"]}`, `{"errors":[{"code":5e1},{"code":50.0},{"code":"50"}]}`,
		`{"error":{"code":1,"code":2},"errors":[{"c\u006fde":-0.0},{"code":1e39},{"code":1e41},{"code":12345678901234567890}]}`,
		`{"errors":{"code":7},"error":"x"}`, `[1]`, `{"errors":[[{"code":1}]],"errors":[{"code":2}]}`, `{"error":{"code":{}},"errors":[{"code":[]},{}]}`,
	} {
		f.Add([]byte(body))
	}
	f.Add([]byte("{\"error\":[\"\x95\"]}"))
	paths := [][]string{{"error", "decline_code"}, {"error", "code"}, {"error", "*"}, {"errors", "*", "code"}, {"errors", "*", "*", "code"}}
	c := shaped(f, classify.Shape{Code: []string{"$.error.decline_code", "$.error['code']", "$.error[*]", "$.errors[*].code", "$.errors[*][*].code"}})
	f.Fuzz(func(t *testing.T, body []byte) {
		e := c.Decode(400, nil, body)
		_ = c.Classify(e)
		_ = c.ReadJSON(response(200, string(body)), nil)
		// JSON is UTF-8. In what is not, encoding/json replaces bytes; a code with them is none here.
		if !utf8.Valid(body) || !json.Valid(body) || len(body) > 64<<10 || strings.Count(string(body), "{")+strings.Count(string(body), "[") > 60 {
			return
		}
		d := json.NewDecoder(bytes.NewReader(body))
		d.UseNumber()
		all, err := readTree(d)
		if err != nil {
			return
		}
		var want, got []classify.Code
		if all.kind == '{' {
			want = all.codesBy(paths)
		}
		for _, d := range e.Details {
			if d.Code != "" {
				got = append(got, d.Code)
			}
		}
		if len(want) <= 16 && len(e.Details) < 16 {
			require.Equal(t, want, got, "%s", body)
		}
	})
}
