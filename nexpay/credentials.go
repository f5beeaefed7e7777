package nexpay

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"unicode/utf8"
)

// Credentials belong to one API key. When printed by package fmt with any verb, by
// slog or as JSON, they show which parts are set and nothing of their content. A
// struct field that contains them must be exported: package fmt does not call the
// methods of unexported fields.
type Credentials struct {
	Key    string // the API key, sent as X-API-KEY
	Secret string // signs every request; used as it is, not decoded from hex or base64

	// PaymentSecret is the second secret, which signs new payments
	// (transactionSignature). Empty: the key cannot create payments.
	PaymentSecret string
}

// check reports all problems and quotes no part of the credentials.
func (c Credentials) check() error {
	var errs []error
	if c.Key == "" {
		errs = append(errs, errors.New("nexpay: Credentials.Key is empty"))
	} else if strings.ContainsFunc(c.Key, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		errs = append(errs, errors.New("nexpay: Credentials.Key has a character that cannot be part of a key: a space, a line end or a non-ASCII letter"))
	}
	if c.Secret == "" {
		errs = append(errs, errors.New("nexpay: Credentials.Secret is empty"))
	}
	errs = append(errs, checkSecret("Secret", c.Secret), checkSecret("PaymentSecret", c.PaymentSecret))
	return errors.Join(errs...)
}

// checkSecret finds copy-and-paste mistakes. Without it they appear only as code 70,
// "Wrong signature", on every call.
func checkSecret(field, secret string) error {
	switch {
	case !utf8.ValidString(secret):
		return fmt.Errorf("nexpay: Credentials.%s is not UTF-8 text", field)
	case strings.TrimSpace(secret) != secret:
		return fmt.Errorf("nexpay: Credentials.%s begins or ends with white space", field)
	}
	return nil
}

// String returns which parts are set.
func (c Credentials) String() string {
	return fmt.Sprintf("nexpay.Credentials{Key: %s, Secret: %s, PaymentSecret: %s}",
		redacted(c.Key), redacted(c.Secret), redacted(c.PaymentSecret))
}

func redacted(s string) string {
	if s == "" {
		return "not set"
	}
	return "set"
}

// GoString returns String.
func (c Credentials) GoString() string { return c.String() }

// Format prints String for every verb.
func (c Credentials) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, c.String()) }

// LogValue returns String.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalText returns String to encoders such as encoding/json and encoding/xml. It
// cannot be decoded.
func (c Credentials) MarshalText() ([]byte, error) { return []byte(c.String()), nil }
