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

// Status is the state of a payment. The vendor documents three; any other is passed
// on unchanged.
type Status string

// The documented states of a payment. A rejected payment was made, and refused.
const (
	Pending   Status = "PENDING"
	Completed Status = "COMPLETED"
	Rejected  Status = "REJECTED"
)

// PaymentStatus is the API's description of one payment.
type PaymentStatus struct {
	PaymentID     string `json:"paymentId"` // text, or the digits of a number: the vendor's pages show both
	Status        Status `json:"status"`
	RejectReason  string `json:"rejectReason,omitempty"`  // empty unless the payment was rejected; may be empty then too
	ExecutionTime string `json:"executionTime,omitempty"` // as the API writes it, in an undocumented format; empty if there is none
}

// PaymentByExternalID looks up the payment that was created with the caller's own id,
// externalPaymentId. Key and signature are redacted in the answer's texts, as by
// [Client.Do]; a paymentId that contains one is an error.
//
// The vendor does not document the answer for an unknown id. A bare 404 can also come
// from a wrong path or a gateway: it is no evidence that the payment does not exist.
// To find out, use [Payment.Verify].
func (c *Client) PaymentByExternalID(ctx context.Context, id string) (PaymentStatus, error) {
	if id == "" {
		return PaymentStatus{}, errNoID
	}
	return c.paymentStatus(ctx, Field{Name: externalID, Value: id})
}

var errNoID error = unsent("nexpay: externalPaymentId is empty")

// PaymentByClientID looks up a payment by clientPaymentId, which is an integer.
// Otherwise it is like PaymentByExternalID.
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

// lookup returns the request for a lookup, and asks caches not to store or answer it:
// one payment's answer is of no use to another, and an old one misleads.
func (c *Client) lookup(ctx context.Context, path string, ref Field) (*http.Request, error) {
	req, err := c.NewRequest(ctx, http.MethodGet, path, Form{ref})
	if err != nil {
		return nil, err
	}
	req.Header.Set("Cache-Control", "no-cache, no-store")
	req.Header.Set("Pragma", "no-cache") // for caches older than Cache-Control
	return req, nil
}

// UnmarshalJSON decodes the API's answer; its names are case-sensitive. It returns an
// error if paymentId or status is missing or invalid, or occurs twice with different
// values, because a payment may depend on them. The other two fields are left empty if
// they cannot be decoded, and cut at 256 bytes.
func (p *PaymentStatus) UnmarshalJSON(data []byte) error {
	const most = 64 << 10 // a map of a hostile answer's keys takes many times its size
	if len(data) > most {
		return mistake("nexpay: the payment status is larger than 64 KiB")
	}
	fields, err := members(data)
	if err != nil {
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

// members returns the members of a JSON object. A name that occurs twice with different
// values has a nil value, because programs differ in which of the two they read.
func members(data []byte) (map[string]json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(data, &fields); err != nil {
		return nil, err
	}
	read := json.NewDecoder(bytes.NewReader(data))
	_, _ = read.Token() // decoded above without error, or null
	for read.More() {
		name, _ := read.Token()
		var value json.RawMessage
		if err := read.Decode(&value); err != nil {
			return nil, err
		}
		if name := name.(string); !bytes.Equal(value, fields[name]) {
			fields[name] = nil
		}
	}
	return fields, nil
}

// scalar returns the text of a JSON string or number, and "" for anything else.
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

// plainID refuses numbers other than non-negative integers: 1.5, 1e9, -3.
func plainID(raw json.RawMessage) bool {
	return bytes.HasPrefix(raw, []byte{'"'}) || !bytes.ContainsFunc(raw, func(r rune) bool { return r < '0' || r > '9' })
}

func plainStatus(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}
