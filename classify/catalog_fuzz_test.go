package classify_test

import (
	"encoding/binary"
	"testing"

	"github.com/nexpay-go/resilience/classify"
)

// FuzzCatalog makes catalogs of anything. One that is accepted knows for every code at the edges of its rules what its
// rules say: the last single code, or else the last range.
func FuzzCatalog(f *testing.F) {
	f.Add([]byte{}, []byte{})
	f.Add([]byte{0, 0, 0, 5, 0, 0, 0, 0, 4, 1}, []byte{0, 0, 0, 1, 0, 0, 0, 9, 1, 0})
	f.Add([]byte{255, 255, 255, 255, 127, 255, 255, 255, 3, 1}, []byte{128, 0, 0, 0, 0, 0, 0, 1, 2, 0})
	f.Fuzz(func(t *testing.T, under, over []byte) {
		base, err := classify.NewCatalog("fuzz", rulesOf(under)...)
		if err != nil {
			return
		}
		c, err := base.With(rulesOf(over)...)
		if err != nil {
			return
		}
		all := append(rulesOf(under), rulesOf(over)...)
		for _, r := range all {
			for _, code := range []classify.Code{r.First - 1, r.First, r.First + 1, r.Last - 1, r.Last, r.Last + 1} {
				want, known := said(all, code)
				got, ok := c.Lookup(code)
				if ok != known || got != want {
					t.Fatalf("code %d: %+v, %v; should be %+v, %v", code, got, ok, want, known)
				}
			}
		}
		for _, r := range c.Rules() {
			if r.Class == classify.Unclassified {
				t.Fatalf("%+v", r)
			}
		}
	})
}

// rulesOf reads rules of ten bytes each, eight at most.
func rulesOf(data []byte) (rules []classify.Rule) {
	for len(data) >= 10 && len(rules) < 8 {
		rules = append(rules, classify.Rule{
			First: classify.Code(int32(binary.BigEndian.Uint32(data))), Last: classify.Code(int32(binary.BigEndian.Uint32(data[4:]))),
			Name: "rule", Class: classify.Class(data[8]), Effect: classify.Effect(data[9]),
		})
		data = data[10:]
	}
	return rules
}

// said is what the rules say of a code, without any cleverness.
func said(rules []classify.Rule, code classify.Code) (rule classify.Rule, known bool) {
	for _, single := range []bool{false, true} {
		for _, r := range rules {
			last := r.Last
			if last == 0 {
				last = r.First
			}
			if (r.First == last) == single && r.First <= code && code <= last {
				rule, known = r, true
			}
		}
	}
	return rule, known
}
