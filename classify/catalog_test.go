package classify_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
)

func rule(name string, first, last classify.Code) classify.Rule {
	return classify.Rule{First: first, Last: last, Name: name, Class: classify.Retryable}
}

func mustCatalog(t require.TestingT, rules ...classify.Rule) *classify.Catalog {
	c, err := classify.NewCatalog("test", rules...)
	require.NoError(t, err)
	return c
}

func TestNewCatalogReportsEverything(t *testing.T) {
	_, err := classify.NewCatalog("",
		classify.Rule{First: 1, Class: classify.Fatal},
		classify.Rule{First: 2, Name: "classless"},
		classify.Rule{First: 3, Name: "odd class", Class: 9},
		classify.Rule{First: 4, Name: "odd effect", Class: classify.Fatal, Effect: 7},
		classify.Rule{First: 5, Name: "soft lock", Class: classify.Resync, Lockout: true},
		classify.Rule{Name: "codeless", Class: classify.Fatal},
		rule("backwards", 20, 10),
		rule("low", 100, 200), rule("high", 200, 300), rule("inside", 250, 260),
		rule("once", 7, 0), rule("twice", 7, 7),
	)
	require.Error(t, err)
	for _, want := range []string{
		"catalog has no name",
		`rule "" (code 1): no name`,
		`rule "classless" (code 2): no class`,
		`rule "odd class" (code 3): invalid class Class(9)`,
		`rule "odd effect" (code 4): invalid effect Effect(7)`,
		`rule "soft lock" (code 5): lockout without class fatal`,
		`rule "codeless" (code 0): code 0 means no code`,
		`rule "backwards" (codes 20 to 10): range is reversed`,
		`rule "high" (codes 200 to 300) overlaps rule "low" (codes 100 to 200)`,
		`rule "inside" (codes 250 to 260) overlaps rule "high" (codes 200 to 300)`,
		`rule "twice" (code 7) overlaps rule "once" (code 7)`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 11, strings.Count(err.Error(), "\n")+1, "each fault once:\n%v", err)
}

func TestWith(t *testing.T) {
	base := mustCatalog(t, rule("range", 10, 20), rule("single", 15, 0))
	more, err := base.With(rule("wide", 1, 100), rule("new single", 12, 0))
	require.NoError(t, err)
	for code, want := range map[classify.Code]string{1: "wide", 10: "wide", 12: "new single", 15: "single", 20: "wide", 100: "wide"} {
		r, ok := more.Lookup(code)
		require.True(t, ok)
		require.Equal(t, want, r.Name, "code %d", code)
	}
	r, _ := base.Lookup(12)
	require.Equal(t, "range", r.Name, "the original stays as it was")
	require.Equal(t, []classify.Rule{rule("wide", 1, 100), rule("new single", 12, 0), rule("single", 15, 0)}, more.Rules(),
		"a rule that speaks for no code is gone")

	more, err = more.With(rule("newer", 15, 15))
	require.NoError(t, err)
	r, _ = more.Lookup(15)
	require.Equal(t, "newer", r.Name)

	_, err = base.With(rule("a", 1, 5), rule("b", 5, 9))
	require.ErrorContains(t, err, `catalog "test": rule "b"`)
}

// A range comes before a code of its own that stands where it begins.
func TestRulesAreSorted(t *testing.T) {
	want := []classify.Rule{rule("below", 5, 0), rule("range", 10, 20), rule("first", 10, 0), rule("last", 20, 0), rule("above", 30, 0)}
	require.Equal(t, want, mustCatalog(t, want[4], want[3], want[2], want[1], want[0]).Rules())
}

func TestCatalogKeepsNothingOfTheCaller(t *testing.T) {
	rules := []classify.Rule{rule("mine", 1, 0)}
	c := mustCatalog(t, rules...)
	rules[0].Name = "changed"
	c.Rules()[0].Name = "changed"
	r, _ := c.Lookup(1)
	require.Equal(t, "mine", r.Name)
}

func TestNamed(t *testing.T) {
	c := mustCatalog(t, rule("mine", 1, 0))
	other := c.Named("other")
	require.Equal(t, "other", other.Name())
	require.Equal(t, "test", c.Name())
	require.Equal(t, c.Rules(), other.Rules())
	require.Equal(t, "test", c.Named("").Name())
}

func TestExtremeCodes(t *testing.T) {
	const maxCode = classify.Code(^uint(0) >> 1)
	c := mustCatalog(t, rule("all", -maxCode-1, maxCode))
	c, err := c.With(rule("least", -maxCode-1, 0), rule("most", maxCode, 0))
	require.NoError(t, err)
	for code, want := range map[classify.Code]string{-maxCode - 1: "least", -maxCode: "all", 0: "all", maxCode - 1: "all", maxCode: "most"} {
		r, _ := c.Lookup(code)
		require.Equal(t, want, r.Name)
	}
	_, ok := new(classify.Catalog).Lookup(1)
	require.False(t, ok)
}

// The model keeps every rule ever added and asks them one after the other.
type model [][]classify.Rule

func (m model) lookup(code classify.Code) (name string) {
	for _, single := range []bool{false, true} {
		for _, rules := range m {
			for _, r := range rules {
				last := r.Last
				if last == 0 {
					last = r.First
				}
				if (last == r.First) == single && r.First <= code && code <= last {
					name = r.Name
				}
			}
		}
	}
	return name
}

func TestCatalogAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := mustCatalog(t)
		var m model
		for range rapid.IntRange(1, 4).Draw(t, "layers") {
			var rules []classify.Rule
			for range rapid.IntRange(0, 6).Draw(t, "rules") {
				first := classify.Code(rapid.IntRange(-30, 30).Draw(t, "first"))
				last := classify.Code(rapid.IntRange(0, 12).Draw(t, "length"))
				if last != 0 {
					last += first
				}
				rules = append(rules, rule(rapid.StringMatching(`[a-z]{6}`).Draw(t, "name"), first, last))
			}
			next, err := c.With(rules...)
			require.Equal(t, clean(rules), err == nil, "%v", err)
			if err != nil {
				continue
			}
			c, m = next, append(m, rules)
			for code := classify.Code(-45); code <= 45; code++ {
				r, ok := c.Lookup(code)
				require.Equal(t, m.lookup(code), r.Name, "code %d", code)
				require.Equal(t, r.Name != "", ok)
			}
		}
	})
}

// clean says by comparing all pairs whether rules may stand together.
func clean(rules []classify.Rule) bool {
	for i, r := range rules {
		if r.Last == 0 {
			r.Last = r.First
		}
		if r.First == 0 && rules[i].Last == 0 || r.Last < r.First {
			return false
		}
		for _, q := range rules[:i] {
			if q.Last == 0 {
				q.Last = q.First
			}
			if (q.First == q.Last) == (r.First == r.Last) && q.First <= r.Last && r.First <= q.Last {
				return false
			}
		}
	}
	return true
}

func TestLookupAllocatesNothing(t *testing.T) {
	for _, c := range []*classify.Catalog{classify.Nexpay(), large(t)} {
		require.Zero(t, testing.AllocsPerRun(100, func() { c.Lookup(50); c.Lookup(999999) }))
	}
}

func TestCatalogIsSafeForConcurrentUse(t *testing.T) {
	c := mustCatalog(t, rule("a", 1, 10))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for code := range classify.Code(20) {
				c.Lookup(code)
				if code > 0 {
					if _, err := c.With(rule("b", code, 0)); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

// large has 10,000 rules, ranges among them.
func large(t require.TestingT) *classify.Catalog {
	rules := make([]classify.Rule, 10_000)
	for i := range rules {
		rules[i] = rule("r", classify.Code(10*i+1), classify.Code(10*i+1+i%5))
	}
	return mustCatalog(t, rules...)
}
