package nexpay

import (
	"net/url"
	"strings"
)

// A Form holds the parameters of a request in the order in which they are sent. The
// API signs them in this order, which url.Values does not keep.
type Form []Field

// A Field is one parameter, not encoded.
type Field struct{ Name, Value string }

// Encode returns the form as it is sent (application/x-www-form-urlencoded, a space
// as "+").
func (f Form) Encode() string { return f.join(url.QueryEscape) }

// Text returns the form as it is signed: name=value&…, not encoded.
func (f Form) Text() string { return f.join(func(s string) string { return s }) }

func (f Form) join(escape func(string) string) string {
	var b strings.Builder
	for i, field := range f {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(field.Name))
		b.WriteByte('=')
		b.WriteString(escape(field.Value))
	}
	return b.String()
}

// Get returns the value of the first field with that name. ok is false if there is
// none.
func (f Form) Get(name string) (value string, ok bool) {
	for _, field := range f {
		if field.Name == name {
			return field.Value, true
		}
	}
	return "", false
}

// errEncoding quotes nothing of the text, unlike url.EscapeError.
var errEncoding error = mistake("nexpay: the text is not form-encoded: a % is not followed by two hexadecimal digits")

// ParseForm decodes a form that Encode or another program has encoded. It decodes "+"
// and "%20" as a space and a name without "=" as a field with an empty value, and
// skips empty pairs. Unlike url.ParseQuery it keeps the order, and treats ";" like
// any other character. Its errors quote nothing of the text.
func ParseForm(text string) (Form, error) {
	var f Form
	for pair := range strings.SplitSeq(text, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, err1 := url.QueryUnescape(name)
		value, err2 := url.QueryUnescape(value)
		if err1 != nil || err2 != nil {
			return nil, errEncoding
		}
		f = append(f, Field{Name: name, Value: value})
	}
	return f, nil
}
