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

// ErrNoTicket means that the request's context has no nonce to sign with.
var ErrNoTicket error = unsent("nexpay: no nonce ticket in the request's context: " +
	"make the request with the context that retry.Do passes to the operation (Config.Nonces must be set), " +
	"or add your own ticket with nonce.NewContext")

// signatureField is the last field of a new payment.
const signatureField = "transactionSignature"

// A Signer signs requests with one API key. It is safe for concurrent use, and never
// prints its credentials.
type Signer struct {
	credentials func() Credentials // a closure hides them from code that uses reflect
}

// NewSigner returns a signer for the key. Its error lists all problems of the
// credentials and quotes none of them.
func NewSigner(c Credentials) (*Signer, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return &Signer{credentials: func() Credentials { return c }}, nil
}

// String returns the type's name and nothing else.
func (s *Signer) String() string { return "nexpay.Signer" }

// LogValue returns String.
func (s *Signer) LogValue() slog.Value { return slog.StringValue(s.String()) }

// Sign sets X-API-KEY, X-NONCE and X-Signature for the nonce of the ticket in the
// request's context ([nonce.FromContext]); without a ticket it returns [ErrNoTicket].
// Sign each request directly before it is sent, and sign each resend again: a nonce
// is valid for one send. The caller must use the lane of this API key: a lane knows
// its key only by name.
//
// The signature is the HMAC-SHA512, in lowercase hexadecimal, of the key, "&", the
// nonce, the path, "?" and the query if there is one, "?" and the body if there is
// one, as the vendor documents it. The body must be a form; it is signed un-encoded,
// in the order sent. The query must be encoded as a form, and is signed un-encoded
// too, as the vendor's sample and other public clients do. The path is signed as it
// is sent. A bare trailing "?" is not signed.
//
// Sign reads the body through GetBody if there is one. Otherwise it reads and closes
// Body, replaces it with the same bytes and sets GetBody; after an error the body is
// lost. A body over 1 MiB is an error. Sign changes nothing else of the request. It
// sets no Idempotency-Key, because package net/http would then send a POST twice,
// with one nonce. Error texts contain nothing of the request, except the text of an
// error of your own Body or GetBody.
//
// Different requests may be signed concurrently, but not the same request.
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

var errNoSigner error = unsent("nexpay: the Signer is nil or zero: make one with NewSigner")

// SignPayment returns a copy of the form with transactionSignature as its last field:
// the HMAC-SHA512 of the form's text with PaymentSecret, in lowercase hexadecimal.
// The order of the fields matters: SignPayment keeps it, and [Signer.SignOrder]
// writes the vendor's. The signature does not cover the nonce. So a payment is signed
// once and stays the same for every send, including its requestTime. SignPayment
// returns an error if the credentials have no PaymentSecret, if the form is empty,
// and if it already has a transactionSignature.
func (s *Signer) SignPayment(f Form) (Form, error) {
	errs := []error{s.canSignPayments()}
	if len(f) == 0 {
		errs = append(errs, unsent("nexpay: the payment has no fields"))
	}
	if _, ok := f.Get(signatureField); ok {
		errs = append(errs, unsent("nexpay: the payment is already signed: send it as it is"))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	signature := mac(s.credentials().PaymentSecret, f.Text())
	return append(slices.Clone(f), Field{Name: signatureField, Value: signature}), nil
}

// canSignPayments returns nil, or the reason why the signer cannot sign payments.
func (s *Signer) canSignPayments() error {
	switch {
	case s == nil || s.credentials == nil:
		return errNoSigner
	case s.credentials().PaymentSecret == "":
		return unsent("nexpay: the credentials have no PaymentSecret, which signing a payment needs")
	}
	return nil
}

func mac(secret, text string) string {
	h := hmac.New(sha512.New, []byte(secret))
	_, _ = h.Write([]byte(text)) // a hash never fails
	return hex.EncodeToString(h.Sum(nil))
}

// signedTarget returns the path as net/http writes it, and the query un-encoded.
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
		target = "/" // as it is sent
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

// signedBody returns "?" and the un-encoded body, or "" for an empty one.
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
