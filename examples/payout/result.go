package main

import (
	"errors"
	"fmt"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/retry"
)

// A result is the outcome of one invoice.
type result struct {
	id     string
	status nexpay.PaymentStatus
	err    error
}

// A state is whether the money was paid.
type state string

const (
	paid    state = "paid"
	notPaid state = "not paid"
	unknown state = "unknown"
)

func (r result) state() state {
	switch {
	case r.err == nil, errors.Is(r.err, retry.ErrApplied):
		return paid
	case errors.Is(r.err, retry.ErrOutcomeUnknown), errors.Is(r.err, retry.ErrBusy):
		return unknown
	}
	return notPaid
}

// String formats r as a line of the log.
func (r result) String() string {
	if r.err != nil {
		return fmt.Sprintf("%s %s: %v", r.state(), r.id, r.err)
	}
	return fmt.Sprintf("%s %s: payment %s %s", paid, r.id, r.status.PaymentID, r.status.Status)
}
