package retryhttp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
)

// findKey finds the idempotency key of a request, if its body can be sent twice.
func (x *exchange) findKey() {
	if x.catalog != nil && x.body.again() {
		x.key, x.keeps = x.catalog.IdempotencyKey(x.req.Header)
	}
}

// helps returns how to make the request retryable in doubt, "" if that is unknown.
func (x *exchange) helps() string {
	if x.payment {
		return ""
	}
	var names []string
	if x.catalog != nil {
		names = x.catalog.Shape().IdempotencyKeys
	}
	for name := range x.req.Header {
		if slices.ContainsFunc(names, func(listed string) bool { return strings.EqualFold(listed, name) }) {
			if x.key != "" {
				return fmt.Sprintf("look it up, or send it again with the same %s, which the API keeps for %v", name, x.keeps)
			}
			return "send exactly one " + name + " that is not empty, to make it retryable"
		}
	}
	if len(names) > 0 {
		return "set " + strings.Join(names, " or ") + ", one value for each operation, to make it retryable"
	}
	return "use an idempotency key to make it retryable: name its header in Shape.IdempotencyKeys (in a file, answer: idempotency-keys); " +
		"for an API without keys, use retryhttp.Once, which looks up what happened"
}

// warn reports a header with which net/http may resend by itself a request that must not be
// resent: one that the API does not deduplicate, or one with a nonce.
func (x *exchange) warn() {
	_, plain := x.req.Header["Idempotency-Key"]
	_, other := x.req.Header["X-Idempotency-Key"]
	if (plain || other) && (x.key == "" || x.t.Retrier.Nonces() != nil) {
		x.warning("the request has an Idempotency-Key header: net/http may resend it by itself")
	}
}

var errChanged error = safeError("retryhttp: Transport.Sign changed the idempotency key or the body of the request: a resend would be another request")

// same checks that a signed request still has the same key and body. Sign may have read the
// body and replaced it by an equal one. A fresh copy is sent.
func (x *exchange) same(out *http.Request) error {
	if key, _ := x.catalog.IdempotencyKey(out.Header); key != x.key {
		return errChanged
	}
	want, err := x.body.next()
	if err != nil {
		return err
	}
	equal := out.Body == nil && want == http.NoBody
	if out.Body != nil {
		equal, err = equals(out.Body, want)
		_ = out.Body.Close()
	}
	_ = want.Close()
	out.Body = nil
	switch {
	case err != nil:
		return errors.Join(errBody, &hidden{err})
	case !equal:
		return errChanged
	}
	out.Body, err = x.body.next()
	out.ContentLength = x.body.length
	return err
}

// equals reports whether two bodies have the same content.
func equals(a, b io.Reader) (bool, error) {
	const step = 4 << 10
	var one, other [step]byte
	for {
		n, errA := io.ReadFull(a, one[:])
		m, errB := io.ReadFull(b, other[:])
		if !bytes.Equal(one[:n], other[:m]) {
			return false, nil
		}
		for _, err := range []error{errA, errB} {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
				return false, err
			}
		}
		if n < step {
			return true, nil
		}
	}
}
