package classify

import (
	"cmp"
	"math/big"
	"strings"
)

// A number is the value of a code that is an integer in plain digits.
type number struct {
	digits   string // without leading zeros
	negative bool
}

// number returns the value of the code, and false if it is a word.
func (c Code) number() (number, bool) {
	digits, negative := strings.CutPrefix(string(c), "-")
	switch {
	case digits == "" || len(digits) > maxDigits:
		return number{}, false
	case digits[0] == '0':
		return number{digits, false}, digits == "0" && !negative
	}
	for i := range len(digits) {
		if digits[i] < '0' || digits[i] > '9' {
			return number{}, false
		}
	}
	return number{digits, negative}, true
}

// int64 returns the number if it has at most 18 digits.
func (n number) int64() (v int64, fits bool) {
	if len(n.digits) > 18 {
		return 0, false
	}
	for _, c := range []byte(n.digits) {
		v = v*10 + int64(c-'0')
	}
	if n.negative {
		return -v, true
	}
	return v, true
}

func (n number) code() Code {
	if n.negative {
		return Code("-" + n.digits)
	}
	return Code(n.digits)
}

// compare orders numbers by value.
func (n number) compare(m number) int {
	switch {
	case n.negative != m.negative:
		if n.negative {
			return -1
		}
		return 1
	case n.negative:
		n, m = m, n
	}
	if c := cmp.Compare(len(n.digits), len(m.digits)); c != 0 {
		return c
	}
	return strings.Compare(n.digits, m.digits)
}

// plus returns n+d. It is used for the ends of ranges when a catalog is made.
func (n number) plus(d int64) number {
	v, _ := new(big.Int).SetString(string(n.code()), 10)
	v.Add(v, big.NewInt(d))
	return number{new(big.Int).Abs(v).String(), v.Sign() < 0}
}

// Compare orders codes for display: numbers by value, then words by their text.
func (c Code) Compare(d Code) int {
	n, isNumber := c.number()
	m, isToo := d.number()
	switch {
	case isNumber && isToo:
		return n.compare(m)
	case isNumber:
		return -1
	case isToo:
		return 1
	}
	return strings.Compare(string(c), string(d))
}
