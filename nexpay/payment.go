package nexpay

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// externalID is the field that a payment can be found by.
const externalID = "externalPaymentId"

// A Payment is one order to pay, with the functions that send it and that find out
// whether it was made. It is an operation for retry.DoOnce.
//
//	order, err := signer.SignOrder(nexpay.Order{…}) // once; keep it with your own record of the payment
//	…
//	p := nexpay.Payment{Client: client, ExternalID: "order-17", Order: order}
//	status, err := retry.DoOnce(ctx, r, retry.Operation[nexpay.PaymentStatus]{
//		ID: p.ExternalID, Fingerprint: p.Fingerprint(), Send: p.Send, Verify: p.Verify,
//	})
//
// The order stays as it was first sent, over resends and restarts, including
// requestTime, externalPaymentId and transactionSignature; only the nonce and
// X-Signature are new. A Payment without an Order can still be looked up. A Payment
// is safe for concurrent use while its fields are not changed. When printed, it shows
// its ExternalID and nothing of the order.
type Payment struct {
	Client     *Client // required
	ExternalID string  // the caller's own id, externalPaymentId; required, because lookups need it
	Order      Form    // as [Signer.SignOrder] returns it, with an externalPaymentId; required by Send
	Version    int     // of the call that creates the payment, as in the [Order]: 1 or 2. Zero: 2

	// Details makes Verify request the payment's details, a newer call, instead of
	// its status. The fields of that answer other than paymentId and status are not
	// documented. An answer without these two proves nothing.
	Details bool

	// Absent reports whether an error of the API means that no payment with this id
	// exists. Nil: [DefaultAbsent], which explains why it must be tried in the
	// vendor's sandbox first. Absent is called only for a complete error of the API
	// that did not come from a cache, has status 200 or 4xx (other than 408, 425 and
	// 429), and has no code about the key, the nonce, the state of the server or a
	// lookup without identifier (20000, 20010).
	Absent func(*classify.Error) bool
}

// Send creates the payment with one HTTP request. It reports mistakes in the Payment
// before anything is sent: an order that is not signed, has no externalPaymentId, or
// has one other than ExternalID.
func (p Payment) Send(ctx context.Context) (PaymentStatus, error) {
	var errs []error
	if p.Client == nil {
		errs = append(errs, errNoClient)
	}
	if id, _ := p.Order.Get(externalID); id != p.ExternalID {
		errs = append(errs, unsent("nexpay: Payment.ExternalID is not the externalPaymentId of its Order"))
	}
	errs = append(errs, checkVersion("Payment", p.Version), checkOrder(p.Order))
	if err := errors.Join(errs...); err != nil {
		return PaymentStatus{}, err
	}
	path := creation
	if p.Version == 1 {
		path = creation1
	}
	return p.Client.create(ctx, path, p.Order)
}

var errNoClient error = unsent("nexpay: Payment.Client is nil")

// Fingerprint returns 64 hexadecimal digits that are the same for the same order,
// over resends and restarts. It returns "" for an order that is not signed.
//
// The fingerprint can be stored in a journal without revealing the order: it is the
// HMAC-SHA256 of the fields, keyed with their transactionSignature, so that amounts
// and names cannot be found by trying. The key is the signature and not the secret,
// because the order outlives the secret: when the secret is replaced, a signed order
// and its fingerprint stay the same.
func (p Payment) Fingerprint() string {
	last := len(p.Order) - 1
	if last < 0 || p.Order[last].Name != signatureField || p.Order[last].Value == "" {
		return ""
	}
	h := hmac.New(sha256.New, []byte(p.Order[last].Value))
	_, _ = io.WriteString(h, p.Order[:last].Encode()) // a hash never fails; the encoding differs for different orders
	return hex.EncodeToString(h.Sum(nil))
}

// String returns the type and the ExternalID.
func (p Payment) String() string { return fmt.Sprintf("nexpay.Payment(%q)", p.ExternalID) }

// Format prints String for every verb.
func (p Payment) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, p.String()) }

// LogValue returns String.
func (p Payment) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText returns String to encoders such as encoding/json. It cannot be decoded.
func (p Payment) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// The calls that create a payment, of version 2 and of version 1.
const (
	creation  = "/api/2/eurowallet/payments"
	creation1 = "/api/1/eurowallet/payments"
)

// CreatePayment creates a payment with one HTTP request. The order is a form as
// [Signer.SignOrder] returns it for version 2, with an externalPaymentId; signature
// and id are checked before anything is sent. The answer is decoded as strictly as by
// [PaymentStatus.UnmarshalJSON].
//
// Unless an error proves the opposite, the payment may have been made, and sending it
// again may make it twice: retry.DoOnce looks it up first, see [Payment].
func (c *Client) CreatePayment(ctx context.Context, order Form) (PaymentStatus, error) {
	if err := checkOrder(order); err != nil {
		return PaymentStatus{}, err
	}
	return c.create(ctx, creation, order)
}

func (c *Client) create(ctx context.Context, path string, order Form) (PaymentStatus, error) {
	req, err := c.NewRequest(ctx, http.MethodPost, path, order)
	if err != nil {
		return PaymentStatus{}, err
	}
	var p PaymentStatus
	if err := c.Do(req, &p); err != nil {
		return PaymentStatus{}, err
	}
	return p, nil
}

// checkOrder reports all problems of the form of a new payment.
func checkOrder(order Form) error {
	ids, signatures := 0, 0
	for _, f := range order {
		switch f.Name {
		case externalID:
			ids++
		case signatureField:
			signatures++
		}
	}
	var errs []error
	if id, _ := order.Get(externalID); id == "" || ids > 1 {
		errs = append(errs, unsent("nexpay: the payment has no externalPaymentId, or more than one: it could not be looked up"))
	}
	if signatures != 1 || order[len(order)-1].Name != signatureField || order[len(order)-1].Value == "" {
		errs = append(errs, unsent("nexpay: the payment is not signed: the transactionSignature that SignOrder adds must be its last field, and must occur once"))
	}
	return errors.Join(errs...)
}
