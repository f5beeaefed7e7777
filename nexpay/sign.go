package nexpay

import (
	"crypto/hmac"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/nexpay-go/resilience/nonce"
)

// ErrNoTicket says that there was no nonce to sign a request with.
var ErrNoTicket error = unsent("nexpay: no nonce ticket in the request's context: " +
	"make the request with the context that retry.Do hands to the operation (its Config.Nonces must be set), " +
	"or put a ticket of your own into one with nonce.NewContext")

// signatureField is the last field of a new payment.
const signatureField = "transactionSignature"

// A Signer signs requests with one API key. It is safe for concurrent use and
// prints nothing of its credentials.
type Signer struct {
	credentials func() Credentials // a closure: nothing that walks through values with reflect sees inside
}

// NewSigner returns a signer for the key, or an error that lists everything
// that is wrong with the credentials and quotes none of it.
func NewSigner(c Credentials) (*Signer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return &Signer{credentials: func() Credentials { return c }}, nil
}

// String names the type and nothing else.
func (s *Signer) String() string { return "nexpay.Signer" }

// LogValue is String.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Sign sets X-API-KEY, X-NONCE and X-Signature for the nonce of the ticket in
// the request's context ([nonce.FromContext]); without one it returns
// [ErrNoTicket]. Sign each request right before it is sent, and each resend
// anew: a nonce is good for one send. Whether the ticket's lane belongs to this
// API key is for the caller to see to, as a lane knows its key by a name only.
//
// What is signed is, as the vendor documents it, the key, "&", the nonce, the
// path, "?" and the query if there is one, "?" and the body if there is one,
// by HMAC-SHA512, in lowercase hexadecimal. The body has to be a form; it is
// signed un-encoded, in the order sent. So is the query, as the vendor's sample
// and other public clients do it; its encoding has to be a form's. The path is
// signed as it stands on the wire. A bare trailing "?" is not signed.
//
// The body is read through GetBody if there is one. Otherwise Sign reads and
// closes Body, puts the same bytes back and sets GetBody; after an error the
// body is gone. A body beyond 1 MiB is an error. Nothing else of the request
// is touched, and no Idempotency-Key is set: package net/http would take it for
// leave to send a POST twice, with one nonce. Error texts hold nothing of the
// request, except that an error of your own Body or GetBody is shown as it is.
//
// Requests may be signed concurrently; one request, by one goroutine.
func (s *Signer) Sign(req *http.Request) error {
	if s == nil || s.credentials == nil {
		return errNoSigner
	}
	ticket, ok := nonce.FromContext(req.Context())
	if !ok || ticket == nil {
		return ErrNoTicket
	}
	target, err := signedTarget(req)
	if err != nil {
		return err
	}
	body, err := signedBody(req)
	if err != nil {
		return err
	}
	c := s.credentials()
	number := strconv.FormatUint(ticket.Nonce(), 10)
	if req.Header == nil {
		req.Header = make(http.Header)
	}
	req.Header.Set("X-API-KEY", c.Key)
	req.Header.Set("X-NONCE", number)
	req.Header.Set("X-Signature", mac(c.Secret, c.Key+"&"+number+target+body))
	return nil
}

var errNoSigner error = unsent("nexpay: the signer is empty: make one with NewSigner")

// SignPayment returns a copy of the form with transactionSignature as its last
// field: the lowercase hexadecimal HMAC-SHA512, with PaymentSecret, of the
// form's text. The order of the fields counts: [Signer.SignOrder] writes the
// vendor's, this takes them as they are. The signature covers no nonce, so a
// payment is signed once and stays the same, requestTime and all, however often
// it is sent. SignPayment fails for credentials without PaymentSecret, for an
// empty form and for one that carries a transactionSignature already.
func (s *Signer) SignPayment(f Form) (Form, error) {
	errs := []error{s.canSignPayments()}
	if len(f) == 0 {
		errs = append(errs, unsent("nexpay: the payment has no fields"))
	}
	if _, ok := f.Get(signatureField); ok {
		errs = append(errs, unsent("nexpay: the payment is signed already: send it again as it is"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	signature := mac(s.credentials().PaymentSecret, f.Text())
	return append(slices.Clone(f), Field{Name: signatureField, Value: signature}), nil
}

// canSignPayments returns nil, or why the signer can sign none.
func (s *Signer) canSignPayments() error {
	switch {
	case s == nil || s.credentials == nil:
		return errNoSigner
	case s.credentials().PaymentSecret == "":
		return unsent("nexpay: these credentials have no PaymentSecret to sign a payment with")
	}
	return nil
}

func mac(secret, text string) string {
	h := hmac.New(sha512.New, []byte(secret))
	_, _ = h.Write([]byte(text)) // a hash never fails
	return hex.EncodeToString(h.Sum(nil))
}

// signedTarget is the path as net/http will write it, and the query un-encoded.
func signedTarget(req *http.Request) (string, error) {
	u := req.URL
	switch {
	case u == nil:
		return "", unsent("nexpay: the request has no URL")
	case u.Opaque != "":
		return "", unsent("nexpay: the request's URL is opaque and has no path to sign")
	}
	target := u.EscapedPath()
	if target == "" {
		target = "/" // what goes over the wire
	}
	if u.RawQuery == "" {
		return target, nil
	}
	query, err := url.QueryUnescape(u.RawQuery)
	if err != nil {
		return "", unsent("nexpay: the query cannot be signed: " + errEncoding.Error())
	}
	return target + "?" + query, nil
}

// signedBody is "?" and the un-encoded body, or nothing for an empty one.
func signedBody(req *http.Request) (string, error) {
	raw, err := readBody(req)
	if err != nil || len(raw) == 0 {
		return "", err
	}
	if t := req.Header.Get("Content-Type"); t != "" {
		if media, _, err := mime.ParseMediaType(t); err != nil || media != formType {
			return "", unsent("nexpay: only a body of Content-Type " + formType + " can be signed")
		}
	}
	f, err := ParseForm(string(raw))
	if err != nil {
		return "", unsent("nexpay: the request body cannot be signed: " + err.Error())
	}
	if len(f) == 0 {
		return "", nil // nothing but separators
	}
	return "?" + f.Text(), nil
}
