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

// findKey finds the key of a request that the API keeps from happening twice, if its
// body can be sent twice.
func (x *exchange) findKey() {
	if x.catalog != nil && x.body.again() {
		x.key, x.keeps = x.catalog.IdempotencyKey(x.req.Header)
	}
}

// helps is what would let the request be sent again in doubt, "" if nobody knows.
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
			return "send " + name + " once, and not empty: then it can be sent again"
		}
	}
	if len(names) > 0 {
		return "set " + strings.Join(names, " or ") + ", one value for each operation: then it can be sent again"
	}
	return "an idempotency key would let it be sent again: name its header in Shape.IdempotencyKeys (in a file, answer: idempotency-keys); " +
		"of an API without, retryhttp.Once finds out what happened"
}

// warn tells of a header that makes net/http repeat what it should not: what the API
// does not keep from happening twice, or what has a nonce.
func (x *exchange) warn() {
	_, plain := x.req.Header["Idempotency-Key"]
	_, other := x.req.Header["X-Idempotency-Key"]
	if (plain || other) && (x.key == "" || x.t.Retrier.Nonces() != nil) {
		x.warning("the request has an Idempotency-Key: net/http takes that for leave to repeat it by itself")
	}
}

var errChanged error = safeError("retryhttp: Transport.Sign changed the idempotency key of the request, or its body: to send it again would be another request")

// same finds out whether a signed request is still the one that the API keeps from
// happening twice. Sign may have read its body and put an equal one in its place; what
// goes out is a fresh one.
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

// equals reports whether two bodies hold the same.
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
