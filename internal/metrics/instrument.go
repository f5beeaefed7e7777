// Package metrics has what otelretry and promretry share: the names of the metrics, the
// labels and their bounds, and the reading of a Retrier when metrics are collected. It
// imports neither OpenTelemetry nor Prometheus.
package metrics

import "strings"

// A Kind says how an instrument is used.
type Kind uint8

const (
	Histogram       Kind = iota // recorded at every call
	Counter                     // added to at every call
	UpDown                      // the same, and can go down
	ObservedGauge               // read when metrics are collected
	ObservedCounter             // the same, and only goes up
)

// An Instrument is one metric. Labels are the names of its attributes, in the order of Values.
type Instrument struct {
	Name   string // "resilience.call.duration"
	Unit   string // UCUM; a counted thing is in braces, and is not part of a name in Prometheus
	Help   string
	Kind   Kind
	Labels []string
}

// The metrics.
var (
	CallDuration    = &Instrument{"resilience.call.duration", "s", "Time of a call, from the first wait for a key or the first send to the end, waits included.", Histogram, []string{"operation", "endpoint", "outcome", "error.type"}}
	AttemptDuration = &Instrument{"resilience.attempt.duration", "s", "Time of one attempt.", Histogram, []string{"operation", "endpoint", "error.type"}}
	Resends         = &Instrument{"resilience.resends", "{resend}", "Resends that were decided on, whether or not they were sent.", Counter, []string{"operation", "class", "error.type"}}
	ResendDelay     = &Instrument{"resilience.resend.delay", "s", "Wait before a resend.", Histogram, []string{"operation", "class", "error.type"}}
	InDoubt         = &Instrument{"resilience.payments.in_doubt", "{payment}", "Payments in progress that may have happened.", UpDown, []string{"operation"}}
	Undecided       = &Instrument{"resilience.payments.undecided", "{payment}", "Payments that ended with an unknown outcome: a person has to look them up.", Counter, nil}
	Lookups         = &Instrument{"resilience.payments.lookups", "{lookup}", "Lookups of payments, by result.", Counter, []string{"operation", "outcome"}}

	JournalFailing     = &Instrument{"resilience.journal.failing", "{retrier}", "1 while the last access of a Retrier to its journal has failed.", ObservedGauge, nil}
	BreakerState       = &Instrument{"resilience.breaker.state", "{breaker}", "Breakers in that state: 0 or 1, unless several have the same name.", ObservedGauge, []string{"endpoint", "state"}}
	BreakerRefused     = &Instrument{"resilience.breaker.refused", "{call}", "Calls that a breaker refused.", ObservedCounter, []string{"endpoint"}}
	BreakerTransitions = &Instrument{"resilience.breaker.transitions", "{transition}", "Changes of a breaker from one state to another.", ObservedCounter, []string{"endpoint"}}
	BudgetTokens       = &Instrument{"resilience.budget.tokens", "{token}", "Tokens left for resends, of the budget that has the fewest.", ObservedGauge, nil}
	LaneWaiting        = &Instrument{"resilience.lane.waiting", "{caller}", "Callers that wait for a turn on the key.", ObservedGauge, []string{"key"}}
	LaneInFlight       = &Instrument{"resilience.lane.in_flight", "{turn}", "Turns in progress on the key.", ObservedGauge, []string{"key"}}
	LaneLimit          = &Instrument{"resilience.lane.limit", "{turn}", "Turns allowed at once on the key.", ObservedGauge, []string{"key"}}
	LaneRefusals       = &Instrument{"resilience.lane.refusals", "{nonce}", "Nonces that the API refused.", ObservedCounter, []string{"key"}}
	LaneForeign        = &Instrument{"resilience.lane.foreign", "{time}", "Times that somebody else used the key.", ObservedCounter, []string{"key"}}
	NonceAhead         = &Instrument{"resilience.lane.nonce.ahead", "s", "How far the last nonce of the key is ahead of the clock.", ObservedGauge, []string{"key"}}
	LockoutLocked      = &Instrument{"resilience.lockout.locked", "{key}", "1 while the key is locked out.", ObservedGauge, []string{"key", "error.type"}}
	UnknownCodes       = &Instrument{"resilience.unknown_codes", "{answer}", "Answers with a code that has no rule in the catalog.", ObservedCounter, nil}
)

// All returns every instrument, in the order of the documentation.
func All() []*Instrument {
	return []*Instrument{
		CallDuration, AttemptDuration, Resends, ResendDelay, InDoubt, Undecided, Lookups,
		JournalFailing, BreakerState, BreakerRefused, BreakerTransitions, BudgetTokens,
		LaneWaiting, LaneInFlight, LaneLimit, LaneRefusals, LaneForeign, NonceAhead,
		LockoutLocked, UnknownCodes,
	}
}

// Buckets returns the upper bounds of the buckets of a histogram, in seconds: from 5 ms,
// faster than APIs across a network answer, to the 60 s after which most clients give up.
func Buckets() []float64 {
	return []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60}
}

// Observed reports whether the instrument is read when metrics are collected.
func (in *Instrument) Observed() bool { return in.Kind == ObservedGauge || in.Kind == ObservedCounter }

// Prometheus returns the name by the conventions of Prometheus. OpenTelemetry's rules of
// translation produce the same name.
func (in *Instrument) Prometheus() string {
	name := PrometheusLabel(in.Name)
	if in.Unit == "s" {
		name += "_seconds"
	}
	if in.Kind == Counter || in.Kind == ObservedCounter {
		name += "_total"
	}
	return name
}

// PrometheusLabel returns the name of a label by the conventions of Prometheus.
func PrometheusLabel(name string) string { return strings.ReplaceAll(name, ".", "_") }
