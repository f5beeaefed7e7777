package nexpay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"github.com/nexpay-go/resilience/internal/text"
)

// Status is how far a payment has come. The vendor documents three; a status
// that is none of them is handed on as it is.
type Status string

// The documented states of a payment. A rejected payment was made, and refused.
const (
	Pending   Status = "PENDING"
	Completed Status = "COMPLETED"
	Rejected  Status = "REJECTED"
)

// PaymentStatus is what the API says about one payment.
type PaymentStatus struct {
	PaymentID     string `json:"paymentId"` // a number on some pages of the vendor, text on others: its digits, or the text
	Status        Status `json:"status"`
	RejectReason  string `json:"rejectReason,omitempty"`  // empty unless it was rejected, and maybe even then
	ExecutionTime string `json:"executionTime,omitempty"` // as the API writes it; the form is not documented. Empty if there is none
}

// PaymentByExternalID looks up the payment that was created with the caller's
// own id, externalPaymentId. Key and signature are blotted out of the answer's
// texts, as by [Client.Do]; a paymentId that holds them cannot be read.
//
// The vendor does not document what is answered for an id it does not know. A
// bare 404 can as well come from a wrong path or from a gateway: it is no
// evidence that the payment does not exist. To find out, see [Payment.Verify].
func (c *Client) PaymentByExternalID(ctx context.Context, id string) (PaymentStatus, error) {
	if id == "" {
		return PaymentStatus{}, errNoID
	}
	return c.paymentStatus(ctx, Field{Name: externalID, Value: id})
}

var errNoID error = unsent("nexpay: externalPaymentId is empty")

// PaymentByClientID looks up a payment by clientPaymentId, which is an integer;
// otherwise it is like PaymentByExternalID.
func (c *Client) PaymentByClientID(ctx context.Context, id int64) (PaymentStatus, error) {
	return c.paymentStatus(ctx, Field{Name: "clientPaymentId", Value: strconv.FormatInt(id, 10)})
}

func (c *Client) paymentStatus(ctx context.Context, ref Field) (PaymentStatus, error) {
	req, err := c.lookup(ctx, statusPath, ref)
	if err != nil {
		return PaymentStatus{}, err
	}
	var p PaymentStatus
	if err := c.Do(req, &p); err != nil {
		return PaymentStatus{}, err
	}
	return p, nil
}

// The calls that look a payment up.
const (
	statusPath  = "/api/1/eurowallet/payments/status"
	detailsPath = "/api/1/nexpay/payments"
)

// lookup makes the request that looks a payment up, and asks caches to keep out
// of it: one payment's answer is of no use to another, and an old one misleads.
func (c *Client) lookup(ctx context.Context, path string, ref Field) (*http.Request, error) {
	req, err := c.NewRequest(ctx, http.MethodGet, path, Form{ref})
	if err != nil {
		return nil, err
	}
	req.Header.Set("Cache-Control", "no-cache, no-store")
	req.Header.Set("Pragma", "no-cache") // for caches older than Cache-Control
	return req, nil
}

// UnmarshalJSON reads the API's answer, keys as written. An answer without
// paymentId or status says nothing about a payment and is an error, as money
// may hang on it; so is a paymentId or status that cannot be one. The other two
// are left empty if they cannot be read, and cut at 256 bytes.
func (p *PaymentStatus) UnmarshalJSON(data []byte) error {
	const most = 64 << 10 // a map of a hostile answer's keys costs many times its size
	if len(data) > most {
		return mistake("nexpay: the payment status is larger than 64 KiB")
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return mistake("nexpay: the payment status is not a JSON object")
	}
	id, status := scalar(fields["paymentId"]), scalar(fields["status"])
	var errs []error
	if id == "" || len(id) > 256 || text.Line(id) != id || !plainID(fields["paymentId"]) {
		errs = append(errs, mistake("nexpay: the payment status has no readable paymentId"))
	}
	if !plainStatus(status) {
		errs = append(errs, mistake("nexpay: the payment status has no readable status"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	*p = PaymentStatus{
		PaymentID: id, Status: Status(status),
		RejectReason: text.Line(scalar(fields["rejectReason"])), ExecutionTime: text.Line(scalar(fields["executionTime"])),
	}
	return nil
}

// scalar is the text of a JSON string or number, and empty for all else.
func scalar(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// plainID refuses numbers that are no integers: 1.5, 1e9, -3.
func plainID(raw json.RawMessage) bool {
	return bytes.HasPrefix(raw, []byte{'"'}) || !bytes.ContainsFunc(raw, func(r rune) bool { return r < '0' || r > '9' })
}

func plainStatus(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}
