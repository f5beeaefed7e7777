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

// A Payment is one order to pay, with what it takes to send it and to find out
// whether it was made: an operation of retry.DoOnce.
//
//	order, err := signer.SignOrder(nexpay.Order{…}) // once; keep it with your own record of the payment
//	…
//	p := nexpay.Payment{Client: client, ExternalID: "order-17", Order: order}
//	status, err := retry.DoOnce(ctx, r, retry.Operation[nexpay.PaymentStatus]{
//		ID: p.ExternalID, Fingerprint: p.Fingerprint(), Send: p.Send, Verify: p.Verify,
//	})
//
// Over resends and restarts the order stays as it was first sent, requestTime,
// externalPaymentId and transactionSignature included; only the nonce and
// X-Signature are made anew. A Payment without an Order can still be looked up.
// It is safe for concurrent use as long as its fields are left alone. However it
// is printed, it shows its ExternalID and nothing of the order.
type Payment struct {
	Client     *Client // required
	ExternalID string  // the caller's own id, externalPaymentId; required, as a payment without one cannot be looked up
	Order      Form    // the fields as [Signer.SignOrder] returns them, externalPaymentId among them; required by Send
	Version    int     // of the call that creates it, as in the [Order]: 1 or 2. Zero: 2

	// Details has Verify ask for the payment's details, a newer call, instead of its
	// status. What that answers beside paymentId and status is not documented; an
	// answer without these two proves nothing.
	Details bool

	// Absent says which errors of the API mean that it knows of no payment with
	// this id. Nil: [DefaultAbsent], which says why this has to be tried out in
	// the vendor's sandbox first. It is asked only about the API's own error,
	// read whole and not out of a cache, with status 200 or 4xx (other than 408,
	// 425, 429), and with no code that is about the key, the nonce, the state of
	// the server or a lookup without identifier (20000, 20010).
	Absent func(*classify.Error) bool
}

// Send creates the payment, in one HTTP send. Mistakes in the Payment are
// reported before anything is sent: an order that is not signed, or whose
// externalPaymentId is missing or is not ExternalID.
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

// Fingerprint is 64 hexadecimal digits that are the same for the same order,
// over resends and restarts, and empty for an order that is not signed. A
// journal that keeps it tells nobody what was ordered: it is the HMAC-SHA256 of
// the fields, keyed with their transactionSignature, so that amounts and names
// cannot be found by trying. The signature is the key, and not the secret it was
// made with, because the order outlives the secret: it stays as it was sent when
// the secret is replaced, and its fingerprint with it.
func (p Payment) Fingerprint() string {
	last := len(p.Order) - 1
	if last < 0 || p.Order[last].Name != signatureField || p.Order[last].Value == "" {
		return ""
	}
	h := hmac.New(sha256.New, []byte(p.Order[last].Value))
	_, _ = io.WriteString(h, p.Order[:last].Encode()) // a hash never fails; encoded, no two orders read alike
	return hex.EncodeToString(h.Sum(nil))
}

// String names the payment by its ExternalID.
func (p Payment) String() string { return fmt.Sprintf("nexpay.Payment(%q)", p.ExternalID) }

// Format prints String, whatever the verb.
func (p Payment) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, p.String()) }

// LogValue is String.
func (p Payment) LogValue() slog.Value { return slog.StringValue(p.String()) }

// MarshalText gives String to encoders, as of JSON. It cannot be read back.
func (p Payment) MarshalText() ([]byte, error) { return []byte(p.String()), nil }

// The calls that create a payment, of version 2 and of version 1.
const (
	creation  = "/api/2/eurowallet/payments"
	creation1 = "/api/1/eurowallet/payments"
)

// CreatePayment sends a new payment, in one HTTP send. The order is a form as
// [Signer.SignOrder] returns it for version 2, and has to have an
// externalPaymentId; signature and id are checked before anything is sent. The
// answer is read as strictly as [PaymentStatus.UnmarshalJSON] does. After an error
// that is no proof the payment may have been made, and sending it again may make
// it twice: retry.DoOnce finds out first, see [Payment].
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

// checkOrder reports everything that is wrong with the form of a new payment.
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
		errs = append(errs, unsent("nexpay: the payment is not signed: its last field, and no other, is the transactionSignature that SignOrder adds"))
	}
	return errors.Join(errs...)
}
