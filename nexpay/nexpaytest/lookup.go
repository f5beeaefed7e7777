package nexpaytest

import (
	"strconv"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
)

func (b *Bank) paymentStatus(_ *Key, c *call) (any, bool, refusal) {
	p, r := b.asked(c)
	if p == nil {
		return nil, false, r
	}
	return b.describe(p), false, refusal{}
}

// paymentDetails returns all that was sent beside the fields of the status. The
// fields of the API's own answer are not documented.
func (b *Bank) paymentDetails(_ *Key, c *call) (any, bool, refusal) {
	p, r := b.asked(c)
	if p == nil {
		return nil, false, r
	}
	return b.detail(p), false, refusal{}
}

// asked finds the payment that a query refers to.
func (b *Bank) asked(c *call) (*Payment, refusal) {
	params, err := nexpay.ParseForm(c.query)
	if err != nil {
		return nil, refusal{codeParameter, "query"}
	}
	return b.referred(params)
}

func (b *Bank) describe(p *Payment) map[string]any {
	body := map[string]any{"paymentId": b.paymentID(p), "status": p.Status}
	if p.RejectReason != "" {
		body["rejectReason"] = p.RejectReason
	}
	if p.ExecutionTime != "" {
		body["executionTime"] = p.ExecutionTime
	}
	return body
}

func (b *Bank) detail(p *Payment) map[string]any {
	body := make(map[string]any)
	for _, f := range p.Fields {
		body[f.Name] = f.Value
	}
	for name, value := range b.describe(p) {
		body[name] = value
	}
	return body
}

func (b *Bank) paymentID(p *Payment) any {
	if b.config.NumberIDs {
		return p.ID
	}
	return strconv.FormatInt(p.ID, 10)
}

// batch answers for payments that were uploaded as a file. The bank accepts none, so
// every reference is unknown.
func (b *Bank) batch(_ *Key, c *call) (any, bool, refusal) {
	params, err := nexpay.ParseForm(c.query)
	reference, _ := params.Get("reference")
	switch {
	case err != nil:
		return nil, false, refusal{codeParameter, "query"}
	case reference == "":
		return nil, false, refusal{codeMandatory, "reference"}
	}
	return nil, false, unknownPayment
}

func (b *Bank) reschedule(_ *Key, c *call) (any, bool, refusal) {
	p, r := b.pending(c.form)
	if p == nil {
		return nil, false, r
	}
	when, _ := c.form.Get("executionTime")
	if !toCome(when, time.Now()) {
		return nil, false, refusal{code: codeReschedulingTime}
	}
	p.ExecutionTime = when
	return nil, true, refusal{}
}

func toCome(when string, now time.Time) bool {
	if t, err := time.Parse(time.RFC3339, when); err == nil {
		return t.After(now)
	}
	ms, err := strconv.ParseInt(when, 10, 64)
	return err == nil && ms > now.UnixMilli()
}

func (b *Bank) cancelScheduled(_ *Key, c *call) (any, bool, refusal) {
	p, r := b.pending(c.form)
	if p == nil {
		return nil, false, r
	}
	p.Status, p.RejectReason = nexpay.Rejected, "cancelled"
	return nil, true, refusal{}
}

// pending finds the payment that the form refers to, if it can still be changed.
func (b *Bank) pending(f nexpay.Form) (*Payment, refusal) {
	p, r := b.referred(f)
	if p != nil && p.Status != nexpay.Pending {
		return nil, refusal{codeRequest, "the payment is not pending"}
	}
	return p, r
}

// unknownPayment is the refusal that Config.UnknownPayment stands for.
var unknownPayment = refusal{code: "-1"}

// referred finds the payment that the only identifier refers to.
func (b *Bank) referred(f nexpay.Form) (*Payment, refusal) {
	if name := twice(f); name != "" {
		return nil, refusal{codeParameter, name}
	}
	external, _ := f.Get("externalPaymentId")
	client, _ := f.Get("clientPaymentId")
	var p *Payment
	switch {
	case external == "" && client == "":
		return nil, refusal{code: codeNoIdentifier}
	case external != "" && client != "":
		return nil, refusal{code: codeTwoIdentifiers}
	case external != "":
		p = b.ledger.external(external, time.Now())
	case !integer.MatchString(client):
		return nil, refusal{codeParameter, "clientPaymentId"}
	default:
		number, _ := strconv.ParseInt(client, 10, 64)
		p = b.ledger.client(number, time.Now())
	}
	if p == nil {
		return nil, unknownPayment
	}
	return p, refusal{}
}
