package policyfile

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

const none = "none"

// scalarOf returns the parser of a value, or nil if it is not a scalar.
func scalarOf(v reflect.Value) scalar {
	p := v.Addr
	if !v.CanAddr() {
		return nil
	}
	switch x := p().Interface().(type) {
	case scalar:
		return x
	case *string:
		return (*text)(x)
	case *bool:
		return (*truth)(x)
	case *float64:
		return (*number)(x)
	case *classify.Code:
		return (*code)(x)
	case *classify.Class:
		return &word[classify.Class]{x, allClasses}
	case *ruleClass:
		return &word[classify.Class]{(*classify.Class)(x), ruleClasses}
	case *classify.Effect:
		return &word[classify.Effect]{x, effects}
	case *policy.BreakerMode:
		return &word[policy.BreakerMode]{x, breakerModes}
	case *policy.Jitter:
		return &word[policy.Jitter]{x, jitters}
	}
	return nil
}

// The words that are allowed.
var (
	allClasses   = []classify.Class{classify.Unclassified, classify.Retryable, classify.Resync, classify.FixAndResend, classify.Fatal}
	ruleClasses  = allClasses[1:] // a rule needs a class
	effects      = []classify.Effect{classify.Unknown, classify.NotApplied}
	breakerModes = []policy.BreakerMode{policy.Failure, policy.Ignored, policy.Success, policy.Trip}
	jitters      = []policy.Jitter{policy.JitterFull, policy.JitterEqual, policy.JitterNone}
)

type (
	text   string
	truth  bool
	number float64
)

// mostText limits names and advice, which appear in errors and logs, to a long paragraph.
const mostText = 4096

func (t *text) parse(s string) error {
	plain := isPlain(s)
	if !plain {
		s = strings.Join(strings.Fields(s), " ") // one line, wherever it is printed
	}
	switch {
	case len(s) > mostText:
		return fmt.Errorf("a text of %d bytes is longer than the limit of %d", len(s), mostText)
	case !plain && strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsGraphic(r) || r == utf8.RuneError }):
		return errors.New("the text has an unprintable character or is not UTF-8")
	}
	*t = text(s)
	return nil
}

// isPlain reports whether a text is one line of ASCII, the usual case.
func isPlain(s string) bool {
	blank := true // the previous character
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' || s[i] == ' ' && blank {
			return false
		}
		blank = s[i] == ' '
	}
	return !blank
}

func (t *truth) parse(s string) error {
	if s != "true" && s != "false" {
		return fmt.Errorf("%q is neither true nor false", short(s))
	}
	*t = s == "true"
	return nil
}

func (n *number) parse(s string) error {
	f, err := strconv.ParseFloat(s, 64)
	if errors.Is(err, strconv.ErrRange) && f > 1 {
		return fmt.Errorf("%q is too large: the limit is %g", short(s), math.MaxFloat64)
	}
	if err != nil || !(f >= 1) || math.IsInf(f, 0) {
		return fmt.Errorf("%q is not a number of at least 1", short(s))
	}
	*n = number(f)
	return nil
}

// A word is one of several words.
type word[T fmt.Stringer] struct {
	to  *T
	all []T
}

func (w *word[T]) parse(s string) error {
	for _, v := range w.all {
		if spelled(v) == s {
			*w.to = v
			return nil
		}
	}
	return noneOf(s, w.words())
}

func (w *word[T]) words() []string {
	words := make([]string, len(w.all))
	for i, v := range w.all {
		words[i] = spelled(v)
	}
	return words
}

func noneOf(s string, words []string) error {
	hint := ""
	if word := closest(s, words); word != "" {
		hint = "; did you mean " + word + "?"
	}
	return fmt.Errorf("%q is not one of %s%s", short(s), strings.Join(words, ", "), hint)
}

// spelled returns a word as files write it.
func spelled(v fmt.Stringer) string { return strings.ReplaceAll(v.String(), " ", "-") }

// duration matches durations of package time, of any length.
var duration = regexp.MustCompile(`^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`)

func (w *wait) parse(s string) error {
	if s == none {
		*w = policy.None
		return nil
	}
	return (*period)(w).read(s, ", or none", "; for no limit, or no wait, write none")
}

func (p *period) parse(s string) error { return p.read(s, "", "") }

// read reads a duration; none and zero complete the error texts.
func (p *period) read(s, none, zero string) error {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil && duration.MatchString(s):
		return fmt.Errorf("%q is too long: the limit is %v", short(s), time.Duration(math.MaxInt64).Truncate(time.Hour))
	case err != nil:
		return fmt.Errorf("%q is not a duration, such as 250ms, 10s or 2m%s", short(s), none)
	case d <= 0:
		return fmt.Errorf("%q is not longer than zero%s", short(s), zero)
	}
	*p = period(d)
	return nil
}

func (c *count) parse(s string) error {
	if s == none {
		*c = policy.None
		return nil
	}
	return (*amount)(c).read(s, "; for no limit write none", "; for no limit, or nothing at all, write none")
}

func (a *amount) parse(s string) error { return a.read(s, "", "") }

// read reads a number; large and other complete the error texts.
func (a *amount) read(s, large, other string) error {
	n, err := strconv.ParseInt(s, 10, 0)
	if errors.Is(err, strconv.ErrRange) && n > 0 {
		return fmt.Errorf("%q is too large: the limit is %d%s", short(s), math.MaxInt, large)
	}
	if err != nil || n < 1 {
		return fmt.Errorf("%q is not a number of at least 1%s", short(s), other)
	}
	*a = amount(n)
	return nil
}

func (r *ratio) parse(s string) error {
	if s == none {
		*r = policy.None
		return nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || !(f > 0 && f <= 1) {
		return fmt.Errorf("%q is not a share above 0 and up to 1, or none", short(s))
	}
	*r = ratio(f)
	return nil
}

func (h *status) parse(s string) error {
	n, err := strconv.Atoi(s)
	if err != nil || n < 100 || n > 599 {
		return fmt.Errorf("%q is not an HTTP status from 100 to 599, or a range such as 500..599", short(s))
	}
	*h = status(n)
	return nil
}

func (h *statuses) parse(s string) error {
	first, last, isRange := strings.Cut(s, "..")
	if !isRange {
		last = first
	}
	if h.first.parse(first) != nil || h.last.parse(last) != nil {
		return new(status).parse(s)
	}
	if h.last < h.first {
		return fmt.Errorf("the range %s is reversed", short(s))
	}
	return nil
}

// String returns the statuses as files write them.
func (h statuses) String() string {
	if h.first == h.last {
		return strconv.Itoa(int(h.first))
	}
	return fmt.Sprintf("%d..%d", h.first, h.last)
}

var refunds = []string{"price-and-deposit", "price", none}

func (r *refund) parse(s string) error {
	for i, name := range refunds {
		if name == s {
			*r = refund(retry.RefundAndDeposit + retry.Refund(i))
			return nil
		}
	}
	return noneOf(s, refunds)
}

// placeOf returns the name of the entry of a key in errors.
func placeOf(key reflect.Value) string {
	switch k := key.Interface().(type) {
	case classify.Code:
		return placeOfCode(k)
	case classify.Class:
		return fmt.Sprintf("Classes[%v]", k)
	case statuses:
		return fmt.Sprintf("Statuses[%v]", k)
	}
	return ""
}

func placeOfCode(c classify.Code) string { return "Codes[" + c.Text() + "]" }
