package nexpaytest

import (
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
)

// A route answers for one path. Its body is what to send as JSON, nil for an
// empty body; executed says whether it changed the ledger. The caller holds mu.
type route struct {
	method string
	serve  func(*Bank, *Key, *call) (body any, executed bool, r refusal)
}

var routes = map[string]route{
	"/api/2/eurowallet/payments":                  {http.MethodPost, (*Bank).createPayment},
	"/api/2/eurowallet/payments/reschedule":       {http.MethodPost, (*Bank).reschedule},
	"/api/2/eurowallet/payments/cancel-scheduled": {http.MethodPost, (*Bank).cancelScheduled},
	"/api/1/eurowallet/payments/status":           {http.MethodGet, (*Bank).paymentStatus},
	"/api/1/eurowallet/payments/history":          {http.MethodGet, (*Bank).history},
	// The vendor documents no fields for these three; the values are made up.
	"/api/1/eurowallet/status":              {http.MethodGet, fixed(map[string]any{"status": "ACTIVE", "currency": "EUR", "balance": "1000.00"})},
	"/api/1/eurowallet/deposit-details":     {http.MethodGet, fixed(map[string]any{"iban": "LT000000000000000000", "receiver": "Test"})},
	"/api/1/eurowallet/payments/commission": {http.MethodGet, fixed(map[string]any{"currency": "EUR", "commission": "0.00"})},
}

func fixed(body map[string]any) func(*Bank, *Key, *call) (any, bool, refusal) {
	return func(*Bank, *Key, *call) (any, bool, refusal) { return body, false, refusal{} }
}

var (
	decimal  = regexp.MustCompile(`^[0-9]{1,15}(\.[0-9]{1,8})?$`)
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
	integer  = regexp.MustCompile(`^[0-9]{1,18}$`)
)

func (b *Bank) createPayment(k *Key, c *call) (any, bool, refusal) {
	external, _ := c.form.Get("externalPaymentId")
	switch r := checkPayment(c.form); {
	case len(c.form) == 0:
		return nil, false, refusal{codeRequest, "the payment is empty"}
	case !k.paymentSigned(c.form):
		return nil, false, refusal{codeWrongSignature, signatureField}
	case r != refusal{}:
		return nil, false, r
	case b.config.RefuseDuplicates && external != "" && b.ledger.times(external) > 0:
		return nil, false, refusal{codeRequest, "externalPaymentId was used before"}
	}
	p := b.ledger.pay(k.ID, c.form, time.Now(), c.lag)
	return map[string]any{"paymentId": b.paymentID(p), "status": p.Status}, true, refusal{}
}

func checkPayment(f nexpay.Form) refusal {
	if name := twice(f); name != "" {
		return refusal{codeParameter, name}
	}
	for _, field := range f {
		ok := true
		switch field.Name {
		case "amount":
			ok = decimal.MatchString(field.Value) && strings.Trim(field.Value, "0.") != ""
		case "currency":
			ok = currency.MatchString(field.Value)
		case "clientPaymentId":
			ok = integer.MatchString(field.Value)
		}
		if !ok {
			return refusal{codeParameter, field.Name}
		}
	}
	return refusal{}
}

// twice names a field that comes twice, if any.
func twice(f nexpay.Form) string {
	seen := make(map[string]bool, len(f))
	for _, field := range f {
		if seen[field.Name] {
			return field.Name
		}
		seen[field.Name] = true
	}
	return ""
}

func (b *Bank) paymentStatus(_ *Key, c *call) (any, bool, refusal) {
	params, err := nexpay.ParseForm(c.query)
	if err != nil {
		return nil, false, refusal{codeParameter, "query"}
	}
	p, r := b.referred(params)
	if p == nil {
		return nil, false, r
	}
	return b.describe(p), false, refusal{}
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

func (b *Bank) paymentID(p *Payment) any {
	if b.config.TextIDs {
		return strconv.FormatInt(p.ID, 10)
	}
	return p.ID
}

func (b *Bank) history(k *Key, _ *call) (any, bool, refusal) {
	list := []map[string]any{}
	for i := range b.ledger.payments {
		if p := &b.ledger.payments[i]; p.Key == k.ID && !p.Visible.After(time.Now()) {
			list = append(list, b.describe(p))
		}
	}
	return map[string]any{"payments": list}, false, refusal{}
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

// pending finds the payment meant if it can still be changed.
func (b *Bank) pending(f nexpay.Form) (*Payment, refusal) {
	p, r := b.referred(f)
	if p != nil && p.Status != nexpay.Pending {
		return nil, refusal{codeRequest, "the payment is not pending"}
	}
	return p, r
}

// unknownPayment is the refusal that Config.UnknownPayment stands for.
var unknownPayment = refusal{code: -1}

// referred finds the payment that the one identifier means.
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
