package policyfile

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
)

// A code is one code, as a key of a mapping.
type code classify.Code

// codes are the codes of a rule: one code, a range of numbers or a beginning.
type codes struct {
	text        string
	first, last classify.Code // empty for a beginning
}

// isCode reports whether a value must be spelled as a code.
func isCode(s scalar) bool {
	switch s.(type) {
	case *code, *codes:
		return true
	}
	return false
}

func (c *code) parse(s string) error {
	var all codes
	if err := all.parse(s); err != nil {
		return err
	}
	if _, single := all.one(); !single {
		return fmt.Errorf("%s means more than one code; only a rule may", short(s))
	}
	*c = code(s)
	return nil
}

// meantAsRange matches what is hardly meant as a word.
var meantAsRange = regexp.MustCompile(`^[-+0-9_ ]*\.\.|\.\.[-+0-9_. ]*$`)

func (c *codes) parse(s string) error {
	rule := classify.Rule{Codes: s}
	first, last, numbers := rule.Bounds()
	begin, isBeginning := strings.CutSuffix(s, "*")
	switch {
	case s == "":
		return fmt.Errorf(`"" is not a code`)
	case numbers && first != last && last.Compare(first) < 0:
		return fmt.Errorf("the range %s is reversed", short(s))
	case strings.Contains(s, "..") && meantAsRange.MatchString(s) && (!numbers || first == last && string(first) == s):
		return fmt.Errorf("%q is not a range of numbers; write a range as 20000..29999", short(s))
	case s == "*":
		return fmt.Errorf(`"*" would match every code; a code without a rule is classified by its HTTP status`)
	case !numbers && !(isBeginning && classify.Code(begin).Valid()):
		return fmt.Errorf("invalid code %q: a code has at most 128 bytes, all printable", short(s))
	}
	if isBeginning {
		first, last = "", ""
	}
	*c = codes{s, first, last}
	return nil
}

// one returns the code of a rule about a single code.
func (c codes) one() (classify.Code, bool) { return c.first, c.first != "" && c.first == c.last }

func (c codes) isRange() bool { return c.first != c.last }

func (c codes) matches(code classify.Code) bool { return classify.Rule{Codes: c.text}.Matches(code) }

// touches reports whether the codes include a number from first to last.
func (c codes) touches(first, last int) bool {
	from, to, ok := c.numbers()
	return ok && from <= last && to >= first
}

// numbers returns the first and the last number, clamped to int.
func (c codes) numbers() (first, last int, ok bool) {
	first, okFirst := clamp(string(c.first))
	last, okLast := clamp(string(c.last))
	return first, last, okFirst && okLast
}

func clamp(digits string) (int, bool) {
	if !isNumber(digits) {
		return 0, false
	}
	n, err := strconv.Atoi(digits)
	switch {
	case err == nil:
		return n, true
	case digits[0] == '-':
		return math.MinInt, true
	}
	return math.MaxInt, true
}

// isNumber reports whether a text is an integer in its normal spelling.
func isNumber(s string) bool {
	s, negative := strings.CutPrefix(s, "-")
	if s == "" || s[0] == '0' && (len(s) > 1 || negative) {
		return false
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// String returns the name of the codes in errors.
func (c codes) String() string {
	switch code, single := c.one(); {
	case single:
		return "code " + code.Text()
	case strings.HasSuffix(c.text, "*"):
		return "the beginning " + classify.Code(c.text).Text()
	}
	return "the range " + c.text
}

// YAML 1.1 reads these as something else, and YAML 1.2 as words. It is unknown which
// version the next reader of the file supports.
var (
	oldTruths = map[string]bool{"y": true, "n": true, "yes": true, "no": true, "on": true, "off": true}
	oldNumber = regexp.MustCompile(`^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?$`)
)

// misread returns how YAML reads a code that is not read as written, or "".
func misread(n *yaml.Node) string {
	const quoted = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
	switch {
	case n.Style&yaml.TaggedStyle != 0:
		return "the type of its tag"
	case n.Style&quoted != 0 || n.Value == "" || isNumber(n.Value):
		return ""
	}
	switch n.Tag {
	case "!!int", "!!float":
		var v any
		if n.Decode(&v) == nil {
			return fmt.Sprintf("the number %v", v)
		}
		return "a number"
	case "!!bool":
		return "yes or no"
	case "!!null":
		return "nothing"
	case "!!timestamp":
		return "a time"
	case "!!merge":
		return "a merge of mappings"
	}
	switch {
	case len(n.Value) <= 3 && oldTruths[strings.ToLower(n.Value)]:
		return "yes or no"
	case n.Value[0] <= '9' && oldNumber.MatchString(n.Value): // letters are greater
		return "a number to the base of 60"
	}
	return ""
}
