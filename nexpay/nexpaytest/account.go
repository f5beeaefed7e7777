package nexpaytest

import (
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/nexpay"
)

// opening is the balance of an account before its first payment. A payment that
// exceeds the balance is not refused.
var opening = big.NewRat(1_000_000, 1)

// defaultAccount is the account of keys without an Account.
const defaultAccount = "LT000000000000000000"

// accounts returns the key's own account and all accounts that it has paid from, in
// order of first use.
func (b *Bank) accounts(k *Key) []string {
	list := []string{k.Account}
	for i := range b.ledger.payments {
		p := &b.ledger.payments[i]
		if from := p.from(k.Account); p.Key == k.ID && !slices.Contains(list, from) {
			list = append(list, from)
		}
	}
	return list
}

// from returns the account that was paid from.
func (p *Payment) from(otherwise string) string {
	if account, _ := p.Fields.Get("account"); account != "" {
		return account
	}
	return otherwise
}

// amount returns the amount that the account was charged: 0 for a rejected payment.
func (p *Payment) amount() *big.Rat {
	text, _ := p.Fields.Get("amount")
	amount, ok := new(big.Rat).SetString(text)
	if !ok || p.Status == nexpay.Rejected {
		return new(big.Rat)
	}
	return amount
}

// paid returns the visible payments from one account of the key, made on the days
// between from and to, inclusive. "" means no limit.
func (b *Bank) paid(k *Key, account, from, to string) []*Payment {
	var list []*Payment
	for i := range b.ledger.payments {
		p := &b.ledger.payments[i]
		day := p.Created.UTC().Format(time.DateOnly)
		if p.Key == k.ID && p.from(k.Account) == account && !p.Visible.After(time.Now()) &&
			from <= day && (to == "" || day <= to) {
			list = append(list, p)
		}
	}
	return list
}

func sum(list []*Payment) *big.Rat {
	total := new(big.Rat)
	for _, p := range list {
		total.Add(total, p.amount())
	}
	return total
}

// money formats the number with two decimals, or with more if it has more.
func money(r *big.Rat) string {
	whole, decimals, _ := strings.Cut(r.FloatString(8), ".")
	return whole + "." + decimals[:2] + strings.TrimRight(decimals[2:], "0")
}

func (b *Bank) accountStatus(k *Key, _ *call) (any, bool, refusal) {
	type account struct {
		IBAN    string `json:"iban"`
		Status  string `json:"status"`
		Balance string `json:"balance"`
	}
	var list []account
	for _, iban := range b.accounts(k) {
		left := new(big.Rat).Sub(opening, sum(b.paid(k, iban, "", "")))
		list = append(list, account{iban, "ACTIVE", money(left)})
	}
	return map[string]any{"accounts": list}, false, refusal{}
}

// history has the fields that clients decode. The fields of an entry are not
// documented: here they are all that was sent, and the day.
func (b *Bank) history(k *Key, c *call) (any, bool, refusal) {
	params, err := nexpay.ParseForm(c.query)
	if err != nil {
		return nil, false, refusal{codeParameter, "query"}
	}
	if name := twice(params); name != "" {
		return nil, false, refusal{codeParameter, name}
	}
	from, _ := params.Get("fromDate")
	to, _ := params.Get("toDate")
	account, _ := params.Get("account")
	switch {
	case !day(from):
		return nil, false, refusal{codeParameter, "fromDate"}
	case !day(to) || to != "" && to < from:
		return nil, false, refusal{codeParameter, "toDate"}
	case account == "":
		account = k.Account
	case !slices.Contains(b.accounts(k), account):
		return nil, false, refusal{codeParameter, "account"}
	}
	within := b.paid(k, account, from, to)
	end := new(big.Rat).Sub(opening, sum(b.paid(k, account, "", to)))
	entries := []any{}
	for _, p := range within {
		entry := b.detail(p)
		entry["date"] = p.Created.UTC().Format(time.DateOnly)
		entries = append(entries, entry)
	}
	return map[string]any{
		"debitTurnover": money(sum(within)), "creditTurnover": "0.00",
		"balanceStart": money(new(big.Rat).Add(end, sum(within))), "balanceEnd": money(end),
		"clientName": clientName, "account": account, "entries": entries,
	}, false, refusal{}
}

const clientName = "Test"

// day reports whether the text is empty or a day such as 2026-03-01.
func day(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return text == "" || err == nil
}

// The fields of the next two answers are not documented.

func (b *Bank) depositDetails(k *Key, _ *call) (any, bool, refusal) {
	return map[string]any{"iban": k.Account, "receiver": clientName}, false, refusal{}
}

func (b *Bank) commission(*Key, *call) (any, bool, refusal) {
	return map[string]any{"commission": "0.00"}, false, refusal{}
}
