package classify_test

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/classify"
)

func rule(name, codes string) classify.Rule {
	return classify.Rule{Codes: codes, Name: name, Class: classify.Retryable}
}

func mustCatalog(t require.TestingT, rules ...classify.Rule) *classify.Catalog {
	c, err := classify.NewCatalog("test", rules...)
	require.NoError(t, err)
	return c
}

func TestNewCatalogReportsEverything(t *testing.T) {
	_, err := classify.NewCatalog("",
		classify.Rule{Codes: "1", Class: classify.Fatal},
		classify.Rule{Codes: "2", Name: "classless"},
		classify.Rule{Codes: "3", Name: "odd class", Class: 9},
		classify.Rule{Codes: "4", Name: "odd effect", Class: classify.Fatal, Effect: 7},
		classify.Rule{Codes: "5", Name: "soft lock", Class: classify.Resync, Lockout: true},
		classify.Rule{Name: "codeless", Class: classify.Fatal},
		rule("zero", "0"), rule("every", "*"), rule("broken", "a\nb"), rule("long", strings.Repeat("a", 129)), rule("blank", " "),
		rule("begin", "EAPI:I n*"), rule("again", "EAPI:I n*"),
		rule("backwards", "20..10"),
		rule("low", "100..200"), rule("high", "200..300"), rule("inside", "250..260"),
		rule("once", "7"), rule("twice", "7..7"),
	)
	require.Error(t, err)
	for _, want := range []string{
		"catalog has no name",
		`rule "" (code 1): no name`,
		`rule "classless" (code 2): no class`,
		`rule "odd class" (code 3): invalid class Class(9)`,
		`rule "odd effect" (code 4): invalid effect Effect(7)`,
		`rule "soft lock" (code 5): lockout without class fatal`,
		`rule "codeless": no code`,
		`rule "zero" (code 0): this code means success`,
		`rule "every": "*" would match every code; a code without a rule is classified by its HTTP status`,
		`rule "broken": invalid code "a\nb": a code has at most 128 bytes, all printable`,
		`rule "long": invalid code "aaaa`,
		`rule "blank": invalid code " ": a code has at most 128 bytes`,
		`rule "again" (codes "EAPI:I n*") overlaps rule "begin" (codes "EAPI:I n*")`,
		`rule "backwards" (codes 20 to 10): range is reversed`,
		`rule "high" (codes 200 to 300) overlaps rule "low" (codes 100 to 200)`,
		`rule "inside" (codes 250 to 260) overlaps rule "high" (codes 200 to 300)`,
		`rule "twice" (codes 7 to 7) overlaps rule "once" (code 7)`,
	} {
		require.ErrorContains(t, err, want)
	}
	require.Equal(t, 17, strings.Count(err.Error(), "\n")+1, "each fault once:\n%v", err)
}

// Zero means success: no rule may be of it alone, in whatever form.
func TestZeroAlone(t *testing.T) {
	for codes, ok := range map[string]bool{"0": false, "0..0": false, "-1..1": true, "0..1": true, "0*": true} {
		c, err := classify.NewCatalog("test", rule("r", codes))
		if !ok {
			require.ErrorContains(t, err, "this code means success", codes)
			continue
		}
		require.NoError(t, err, codes)
		r, found := c.Lookup("0")
		require.True(t, found, codes)
		require.Equal(t, "r", r.Name, codes)
	}
}

func TestWith(t *testing.T) {
	base := mustCatalog(t, rule("range", "10..20"), rule("single", "15"))
	more, err := base.With(rule("wide", "1..100"), rule("new single", "12"))
	require.NoError(t, err)
	for code, want := range map[classify.Code]string{"1": "wide", "10": "wide", "12": "new single", "15": "single", "20": "wide", "100": "wide"} {
		r, ok := more.Lookup(code)
		require.True(t, ok)
		require.Equal(t, want, r.Name, "code %s", code)
	}
	r, _ := base.Lookup("12")
	require.Equal(t, "range", r.Name, "the original stays as it was")
	require.Equal(t, []classify.Rule{rule("wide", "1..100"), rule("new single", "12"), rule("single", "15")}, more.Rules(),
		"a rule that speaks for no code is gone")

	more, err = more.With(rule("newer", "15..15"))
	require.NoError(t, err)
	r, _ = more.Lookup("15")
	require.Equal(t, "newer", r.Name)

	_, err = base.With(rule("a", "1..5"), rule("b", "5..9"))
	require.ErrorContains(t, err, `catalog "test": rule "b"`)
}

// A range comes before a code of its own that stands where it begins.
func TestRulesAreSorted(t *testing.T) {
	want := []classify.Rule{rule("below", "5"), rule("begin", "10*"), rule("range", "10..20"), rule("first", "10"), rule("last", "20"), rule("above", "30"), rule("word", "a")}
	require.Equal(t, want, mustCatalog(t, want[6], want[5], want[4], want[3], want[2], want[1], want[0]).Rules())
}

func TestCatalogKeepsNothingOfTheCaller(t *testing.T) {
	rules := []classify.Rule{rule("mine", "1")}
	c := mustCatalog(t, rules...)
	rules[0].Name = "changed"
	c.Rules()[0].Name = "changed"
	r, _ := c.Lookup("1")
	require.Equal(t, "mine", r.Name)
}

func TestNamed(t *testing.T) {
	c := mustCatalog(t, rule("mine", "1"))
	other := c.Named("other")
	require.Equal(t, "other", other.Name())
	require.Equal(t, "test", c.Name())
	require.Equal(t, c.Rules(), other.Rules())
	require.Equal(t, "test", c.Named("").Name())
}

// Numbers that no machine word holds are exact, too.
func TestExtremeCodes(t *testing.T) {
	edge := strings.Repeat("9", 40)
	c := mustCatalog(t, rule("all", "-"+edge+".."+edge))
	c, err := c.With(rule("least", "-"+edge), rule("most", edge), rule("middle", "9223372036854775807..9223372036854775808"))
	require.NoError(t, err)
	for code, want := range map[classify.Code]string{
		classify.Code("-" + edge): "least", classify.Code("-" + edge[:39] + "8"): "all", "0": "all", "-1": "all", classify.Code(edge[:39] + "8"): "all",
		classify.Code(edge): "most", classify.Code(edge + "9"): "", "9223372036854775806": "all", "9223372036854775807": "middle",
		"9223372036854775808": "middle", "9223372036854775809": "all", "007": "", "+7": "", "-0": "", "7.0": "", "7e1": "", " 7": "", "": "",
	} {
		r, ok := c.Lookup(code)
		require.Equal(t, want, r.Name, "%q", code)
		require.Equal(t, want != "", ok)
	}
	_, ok := new(classify.Catalog).Lookup("1")
	require.False(t, ok)
}

func TestRuleTellsWhatItIsAbout(t *testing.T) {
	for codes, want := range map[string]struct {
		first, last classify.Code
		ok          bool
		matches     []classify.Code
		others      []classify.Code
	}{
		"50":            {"50", "50", true, []classify.Code{"50"}, []classify.Code{"500", "5", "", "050"}},
		"-5..5":         {"-5", "5", true, []classify.Code{"-5", "0", "5"}, []classify.Code{"6", "-6", "", "x", "05"}},
		"card_declined": {"card_declined", "card_declined", true, []classify.Code{"card_declined"}, []classify.Code{"Card_declined", "card"}},
		"EAPI:*":        {"EAPI:", "", false, []classify.Code{"EAPI:", "EAPI:Invalid nonce"}, []classify.Code{"EAPI", "eapi:x", ""}},
		"5*":            {"5", "", false, []classify.Code{"5", "50", "5x"}, []classify.Code{"-5", "15"}},
		"a..b":          {"a..b", "a..b", true, []classify.Code{"a..b"}, []classify.Code{"a", "aa"}},
		"1..":           {"1..", "1..", true, []classify.Code{"1.."}, []classify.Code{"1", "2"}},
		"*":             {"", "", false, nil, []classify.Code{"", "x"}},
		"":              {"", "", false, nil, []classify.Code{"", "x"}},
	} {
		r := rule("r", codes)
		first, last, ok := r.Bounds()
		require.Equal(t, want.ok, ok, codes)
		if ok || want.first != "" {
			require.Equal(t, want.first, first, codes)
			require.Equal(t, want.last, last, codes)
		}
		for _, code := range want.matches {
			require.True(t, r.Matches(code), "%q %q", codes, code)
		}
		for _, code := range want.others {
			require.False(t, r.Matches(code), "%q %q", codes, code)
		}
	}
}

// The model keeps every rule ever added and asks them one after the other.
type model [][]classify.Rule

func (m model) lookup(code classify.Code) (name string) {
	best := -1
	for _, rules := range m {
		for _, r := range rules {
			weight := 0 // of a range
			if begin, ok := strings.CutSuffix(r.Codes, "*"); ok {
				weight = len(begin)
			} else if first, last, _ := r.Bounds(); first == last {
				weight = 1000
			}
			if r.Matches(code) && weight >= best {
				name, best = r.Name, weight
			}
		}
	}
	return name
}

// codesOf are rules' codes of every kind, close together.
func codesOf() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		first := rapid.IntRange(-30, 30).Draw(t, "first")
		switch rapid.IntRange(0, 3).Draw(t, "kind") {
		case 0:
			return fmt.Sprintf("%d..%d", first, first+rapid.IntRange(0, 12).Draw(t, "length"))
		case 1:
			return fmt.Sprintf("%d*", first)
		case 2:
			return rapid.StringMatching(`[ab]{1,3}\*?`).Draw(t, "word")
		}
		return fmt.Sprint(first)
	})
}

func TestCatalogAgainstModel(t *testing.T) {
	asked := []classify.Code{"a", "b", "aa", "ab", "ba", "aab", "abb", "bbb", "abab", ""}
	for n := -45; n <= 45; n++ {
		asked = append(asked, classify.Code(strconv.Itoa(n)))
	}
	rapid.Check(t, func(t *rapid.T) {
		c := mustCatalog(t)
		var m model
		for range rapid.IntRange(1, 4).Draw(t, "layers") {
			var rules []classify.Rule
			for n := range rapid.IntRange(0, 6).Draw(t, "rules") {
				rules = append(rules, rule(fmt.Sprintf("%d in %d", n, len(m)), codesOf().Draw(t, "codes")))
			}
			next, err := c.With(rules...)
			require.Equal(t, clean(rules), err == nil, "%v", err)
			if err != nil {
				continue
			}
			c, m = next, append(m, rules)
			speaks := map[string]bool{}
			for _, code := range asked {
				r, ok := c.Lookup(code)
				require.Equal(t, m.lookup(code), r.Name, "code %q", code)
				require.Equal(t, r.Name != "", ok)
				speaks[r.Name] = true
			}
			for _, r := range c.Rules() {
				delete(speaks, r.Name)
			}
			delete(speaks, "")
			require.Empty(t, speaks, "are not among the rules")
		}
	})
}

// clean says by comparing all pairs whether rules may stand together.
func clean(rules []classify.Rule) bool {
	for i, r := range rules {
		first, last, _ := r.Bounds()
		if first == "0" && last == "0" {
			return false
		}
		for _, q := range rules[:i] {
			qFirst, qLast, _ := q.Bounds()
			begin, other := strings.HasSuffix(r.Codes, "*"), strings.HasSuffix(q.Codes, "*")
			switch {
			case begin != other:
			case begin:
				if r.Codes == q.Codes {
					return false
				}
			case (qFirst == qLast) == (first == last) && qFirst.Compare(last) <= 0 && first.Compare(qLast) <= 0:
				return false
			}
		}
	}
	return true
}

func TestLookupAllocatesNothing(t *testing.T) {
	for _, c := range []*classify.Catalog{classify.Nexpay(), large(t)} {
		require.Zero(t, testing.AllocsPerRun(100, func() { c.Lookup("50"); c.Lookup("999999") }))
	}
}

func TestCatalogIsSafeForConcurrentUse(t *testing.T) {
	c := mustCatalog(t, rule("a", "1..10"))
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for n := range 20 {
				c.Lookup(classify.Code(strconv.Itoa(n)))
				if n > 0 {
					if _, err := c.With(rule("b", strconv.Itoa(n))); err != nil {
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
		rules[i] = rule("r", fmt.Sprintf("%d..%d", 10*i+1, 10*i+1+i%5))
	}
	return mustCatalog(t, rules...)
}
