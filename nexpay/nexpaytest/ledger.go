package nexpaytest

import (
	"slices"
	"strconv"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
)

// A Payment is an entry in the bank's ledger: one execution. An externalPaymentId
// that was paid twice has two entries.
type Payment struct {
	ID            int64       // paymentId, from 1
	ExternalID    string      // externalPaymentId; may be empty
	ClientID      int64       // clientPaymentId, 0 if there was none
	Key           string      // the API key's ID
	Fields        nexpay.Form // all that was sent, except the signature
	Created       time.Time
	Visible       time.Time // from when lookups find it: Created, or later with Fault.VisibleAfter
	Status        nexpay.Status
	RejectReason  string
	ExecutionTime string // of the last rescheduling, as sent
}

// ledger holds the payments, paymentId 1 first.
type ledger struct{ payments []Payment }

// Payments returns the ledger in the order of execution.
func (b *Bank) Payments() []Payment {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := slices.Clone(b.ledger.payments)
	for i := range all {
		all[i].Fields = slices.Clone(all[i].Fields)
	}
	return all
}

// Executed returns how many times the payment was made. More than once means lost
// money.
func (b *Bank) Executed(externalID string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.ledger.times(externalID)
}

// SetStatus changes the status that lookups return for the payment; the first is
// PENDING. It changes all entries with the id, and reports whether there are any.
func (b *Bank) SetStatus(externalID string, s nexpay.Status, rejectReason string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	found := false
	for i := range b.ledger.payments {
		if p := &b.ledger.payments[i]; p.ExternalID == externalID {
			p.Status, p.RejectReason, found = s, rejectReason, true
		}
	}
	return found
}

// pay adds a payment that lookups find after the lag.
func (l *ledger) pay(key string, f nexpay.Form, now time.Time, lag time.Duration) *Payment {
	external, _ := f.Get("externalPaymentId")
	client, _ := f.Get("clientPaymentId")
	number, _ := strconv.ParseInt(client, 10, 64) // checked before; 0 if there is none
	l.payments = append(l.payments, Payment{
		ID: int64(len(l.payments)) + 1, ExternalID: external, ClientID: number, Key: key,
		Fields:  slices.DeleteFunc(slices.Clone(f), func(f nexpay.Field) bool { return f.Name == signatureField }),
		Created: now, Visible: now.Add(lag), Status: nexpay.Pending,
	})
	return &l.payments[len(l.payments)-1]
}

// times counts the payments with that id, including those not yet visible.
func (l *ledger) times(external string) (n int) {
	for i := range l.payments {
		if l.payments[i].ExternalID == external {
			n++
		}
	}
	return n
}

// external finds the first payment with that id.
func (l *ledger) external(id string, now time.Time) *Payment {
	return l.find(now, func(p *Payment) bool { return p.ExternalID == id })
}

// client finds a payment by clientPaymentId, or else by paymentId.
func (l *ledger) client(id int64, now time.Time) *Payment {
	if p := l.find(now, func(p *Payment) bool { return p.ClientID == id && id != 0 }); p != nil {
		return p
	}
	return l.find(now, func(p *Payment) bool { return p.ID == id })
}

// find returns the first visible payment that matches.
func (l *ledger) find(now time.Time, match func(*Payment) bool) *Payment {
	for i := range l.payments {
		if p := &l.payments[i]; !p.Visible.After(now) && match(p) {
			return p
		}
	}
	return nil
}
