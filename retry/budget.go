package retry

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/policy"
)

// A Budget limits how many retries a process sends, so that an outage at the server does
// not turn every call into several. It is a token bucket that starts full. A resend takes
// the tokens that its policy says. A success puts tokens back, and a resend that succeeds
// also gets its price back. Time refills the bucket slowly, so that a program with one call
// a minute regains its retries after a few failures. When the bucket cannot pay, a call
// ends after its failure with [ErrBudget] and the API's own error.
//
// Resyncs, fixes and the lookups of [DoOnce] cost nothing. They have limits per call.
//
// Several retriers may share a Budget. It is safe for concurrent use. The zero Budget never
// refuses, see [NoBudget].
//
// The examples configure the published retry modes of other libraries.
//
// The default is 100 tokens at 10 per resend. It sends 1.04 times per call through a total
// outage of 60 s at five calls a second, and more than 99 % of calls succeed where 20 % of
// sends fail at random. TestLoadOnAFailingServer measures both. The idea comes from the
// standard retry mode of the AWS SDKs.
type Budget struct {
	capacity int64
	deposit  int64
	refund   Refund
	every    time.Duration // in which time puts back a token; zero: never
	tokens   atomic.Int64
	filled   atomic.Int64 // up to which instant of clock time has put back its tokens
}

// BudgetConfig sets the size of a [Budget].
type BudgetConfig struct {
	Capacity int    // tokens in a full bucket, and at the start; zero: 100; at most 1e9
	Deposit  int    // tokens that a success puts back; zero: 1; policy.None: none; at most 1e9
	Refund   Refund // tokens that a successful resend gets back; zero: its price, besides the deposit

	// FullIn is how long an empty bucket takes to refill by time alone, one token after
	// another, from 1 s to 24 h. Zero means 5 min; [policy.None] means that time refills
	// nothing.
	FullIn time.Duration
}

// A Refund says what a success after a resend puts back into the [Budget]. Earlier resends
// of the call, which failed, are never refunded.
type Refund uint8

const (
	// RefundAndDeposit puts back both the price of the resend and the deposit.
	RefundAndDeposit Refund = iota
	// RefundOnly puts back the price of the resend but not the deposit, as the AWS SDKs do.
	RefundOnly
	// NoRefund puts back the deposit only. With a Cost of ten deposits, resends are at most
	// a tenth of the successes in the long run: a retry ratio.
	NoRefund
)

// String returns "refund and deposit", "refund only" or "no refund".
func (r Refund) String() string {
	switch r {
	case RefundAndDeposit:
		return "refund and deposit"
	case RefundOnly:
		return "refund only"
	case NoRefund:
		return "no refund"
	}
	return fmt.Sprintf("Refund(%d)", uint8(r))
}

// MarshalText returns the text of String, for JSON and logs. It cannot be parsed back.
func (r Refund) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Defaults of a [BudgetConfig].
const (
	defaultCapacity = 100
	defaultDeposit  = 1
	defaultFullIn   = 5 * time.Minute
)

// maxTokens keeps sums from running over.
const maxTokens = 1_000_000_000

// Bounds of FullIn. The lower one leaves a nanosecond for each of maxTokens.
const (
	minFullIn = time.Second
	maxFullIn = 24 * time.Hour
)

// NewBudget returns a full Budget. It returns an error that lists all invalid fields:
// negative values, values above 1e9, an unknown Refund, and a FullIn out of range.
func NewBudget(cfg BudgetConfig) (*Budget, error) {
	var errs []error
	if cfg.Capacity < 0 {
		errs = append(errs, fmt.Errorf("retry: BudgetConfig.Capacity %d is negative; for no budget use NoBudget()", cfg.Capacity))
	}
	if cfg.Deposit < policy.None {
		errs = append(errs, fmt.Errorf("retry: BudgetConfig.Deposit %d is negative", cfg.Deposit))
	}
	if most := max(cfg.Capacity, cfg.Deposit); most > maxTokens {
		errs = append(errs, fmt.Errorf("retry: BudgetConfig.Capacity and Deposit are at most %d, not %d", maxTokens, most))
	}
	if cfg.Refund > NoRefund {
		errs = append(errs, fmt.Errorf("retry: BudgetConfig.Refund %v is unknown", cfg.Refund))
	}
	if f := cfg.FullIn; f != 0 && f != policy.None && (f < minFullIn || f > maxFullIn) {
		errs = append(errs, fmt.Errorf("retry: BudgetConfig.FullIn %v is not between %v and %v", f, minFullIn, maxFullIn))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	b := newBudget()
	if cfg.Capacity > 0 {
		b.capacity = int64(cfg.Capacity)
	}
	if cfg.Deposit != 0 {
		b.deposit = int64(max(cfg.Deposit, 0))
	}
	b.refund = cfg.Refund
	if b.every = cmp.Or(cfg.FullIn, defaultFullIn) / time.Duration(b.capacity); cfg.FullIn == policy.None {
		b.every = 0
	}
	b.tokens.Store(b.capacity)
	return b, nil
}

func newBudget() *Budget {
	b := &Budget{capacity: defaultCapacity, deposit: defaultDeposit, every: defaultFullIn / defaultCapacity}
	b.tokens.Store(b.capacity)
	b.filled.Store(int64(clock()))
	return b
}

// NoBudget returns a Budget that never refuses. Every call may then resend as often as its
// policy allows, even during an outage.
func NoBudget() *Budget { return new(Budget) }

// Tokens returns how many tokens are in the bucket now, for dashboards. It is 0 for a
// Budget that never refuses.
func (b *Budget) Tokens() int {
	b.fill()
	return int(b.tokens.Load())
}

// Capacity returns how many tokens a full bucket holds. It is 0 for a Budget that never
// refuses.
func (b *Budget) Capacity() int { return int(b.capacity) }

// take pays for a resend, and reports whether the bucket had enough tokens.
func (b *Budget) take(cost int) bool {
	if cost <= 0 || b.capacity == 0 {
		return true
	}
	b.fill()
	for {
		have := b.tokens.Load()
		if have < int64(cost) {
			return false
		}
		if b.tokens.CompareAndSwap(have, have-int64(cost)) {
			return true
		}
	}
}

// fill adds the tokens that time has refilled since the last fill. It runs only before
// tokens are taken or reported. A success then needs no clock, and the result is the same,
// because the bucket only gets fuller in between.
func (b *Budget) fill() {
	if b.every == 0 {
		return
	}
	filled := b.filled.Load()
	n := (int64(clock()) - filled) / int64(b.every)
	if n > 0 && b.filled.CompareAndSwap(filled, filled+n*int64(b.every)) {
		b.put(n)
	}
}

// A shortage is the state of a Budget when it refused to pay.
type shortage struct {
	of   *Budget // nil: it did not refuse
	left int64
	cost int
}

// usedUp returns the shortage of a bucket that has just refused.
func (b *Budget) usedUp(cost int) shortage { return shortage{b, b.tokens.Load(), cost} }

// text says how many tokens were left, and what refills the bucket.
func (u *shortage) text() string {
	b := u.of
	s := fmt.Sprintf("%v: %d of %d tokens left, and a resend costs %d", ErrBudget, u.left, b.capacity, u.cost)
	var fills []string
	if b.deposit > 0 {
		fills = append(fills, fmt.Sprintf("a success puts back %d", b.deposit))
	}
	if b.every > 0 {
		fills = append(fills, fmt.Sprintf("time puts back one in %v", b.every))
	}
	if fills == nil {
		fills = append(fills, "nothing fills it")
	}
	return s + "; " + strings.Join(fills, ", ")
}

// success refunds a call that succeeded. cost is the price of the resend that succeeded.
func (b *Budget) success(cost int) {
	switch paid := int64(max(cost, 0)); {
	case b.refund == NoRefund || paid == 0:
		b.put(b.deposit)
	case b.refund == RefundOnly:
		b.put(paid)
	default:
		b.put(b.deposit + paid)
	}
}

// giveBack returns the price of a resend that was not sent after all.
func (b *Budget) giveBack(cost int) { b.put(int64(max(cost, 0))) }

// put adds n tokens. If the bucket is full, as it usually is, it only reads it.
func (b *Budget) put(n int64) {
	for {
		have := b.tokens.Load()
		if have >= b.capacity {
			return
		}
		if b.tokens.CompareAndSwap(have, min(have+n, b.capacity)) {
			return
		}
	}
}
