package breaker_test

import (
	"testing"

	"github.com/nexpay-go/resilience/breaker"
)

// B2: a report counts for the stay in the state it was granted in, and for nothing after.
func TestEarlierGenerationsAreIgnored(t *testing.T) {
	closeAgain := all(waitOpen(0), calls(2, breaker.Success))
	late := func(o breaker.Outcome) func(*subject) {
		return func(s *subject) {
			for _, l := range s.leases {
				l.Done(o)
			}
		}
	}
	many := func(s *subject) {
		for i := range 100 {
			take(false, string(rune('a'+i)))(s)
		}
	}
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"a success from before the trip closes nothing", []step{
			{all(many, trip, waitOpen(0)), breaker.HalfOpen},
			{late(breaker.Success), breaker.HalfOpen},
			{calls(2, breaker.Success), breaker.Closed},
		}},
		{"failures from before the trip do not prolong it", []step{
			{all(many, trip, late(breaker.Failure)), breaker.Open},
			{refusedFor("a call reported Trip", 3e9), breaker.Open},
			{closeAgain, breaker.Closed},
		}},
		{"failures and verdicts from before the trip do not trip again", []step{
			{all(many, trip, closeAgain), breaker.Closed},
			{late(breaker.Failure), breaker.Closed},
			{calls(5, breaker.Failure), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"verdicts likewise", []step{
			{all(many, trip, closeAgain), breaker.Closed},
			{late(breaker.Trip), breaker.Closed},
		}},
		{"a success from before the trip forgives no failure after it", []step{
			{all(many, trip, closeAgain), breaker.Closed},
			{calls(5, breaker.Failure), breaker.Closed},
			{late(breaker.Success), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"nor does one from before a reset", []step{
			{all(many, reset), breaker.Closed},
			{calls(5, breaker.Failure), breaker.Closed},
			{late(breaker.Success), breaker.Closed},
			{calls(1, breaker.Failure), breaker.Open},
		}},
		{"counts do not outlive the trip", []step{
			{calls(5, breaker.Failure), breaker.Closed},
			{all(trip, closeAgain), breaker.Closed},
			{calls(5, breaker.Failure), breaker.Closed},
		}},
		{"a probe of an earlier round says nothing about this one", []step{
			{all(trip, waitOpen(0), take(probe, "a"), calls(1, breaker.Failure), waitOpen(0)), breaker.HalfOpen},
			{late(breaker.Failure), breaker.HalfOpen},
			{calls(2, breaker.Success), breaker.Closed},
		}},
		{"a probe from before a reset says nothing after it", []step{
			{all(trip, waitOpen(0), take(probe, "a"), reset), breaker.Closed},
			{late(breaker.Trip), breaker.Closed},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { run(t, breaker.Config{Probes: 2}, tt.steps) })
	}
}

func TestIsolateAndReset(t *testing.T) {
	const why = "isolated: bank is on fire"
	fire := isolate("bank is on fire")
	for _, tt := range []struct {
		name  string
		steps []step
	}{
		{"closed", []step{
			{fire, breaker.Open},
			{refused(why, 0), breaker.Open},
			{wait(1e6 * 1e9), breaker.Open},
			{refused(why, 0), breaker.Open},
			{reset, breaker.Closed},
			{calls(1, breaker.Success), breaker.Closed},
		}},
		{"open", []step{
			{all(trip, fire, refused(why, 0), wait(1e6*1e9)), breaker.Open},
			{reset, breaker.Closed},
			{all(trip, refusedFor("a call reported Trip", 3e9)), breaker.Open},
		}},
		{"half-open", []step{
			{all(trip, waitOpen(0), take(probe, "a"), fire), breaker.Open},
			{done("a", breaker.Success), breaker.Open},
			{refused(why, 0), breaker.Open},
			{reset, breaker.Closed},
		}},
		{"isolated", []step{
			{all(fire, isolate("still burning")), breaker.Open},
			{refused("isolated: still burning", 0), breaker.Open},
			{all(isolate(""), refused("isolated", 0)), breaker.Open},
			{reset, breaker.Closed},
		}},
		{"reports of calls that were under way do not end it", []step{
			{all(take(false, "a", "b"), fire), breaker.Open},
			{all(done("a", breaker.Success), done("b", breaker.Trip)), breaker.Open},
			{refused(why, 0), breaker.Open},
		}},
		{"reset while closed forgets", []step{
			{calls(5, breaker.Failure), breaker.Closed},
			{reset, breaker.Closed},
			{calls(5, breaker.Failure), breaker.Closed},
		}},
		{"reset while open", []step{
			{all(trip, reset), breaker.Closed},
			{calls(5, breaker.Failure), breaker.Closed},
		}},
		{"reset while half-open, and the open time is short again", []step{
			{all(trip, waitOpen(0), calls(1, breaker.Failure), waitOpen(0), reset), breaker.Closed},
			{all(trip, refusedFor("a call reported Trip", 3e9)), breaker.Open},
			{all(waitOpen(0), calls(2, breaker.Success)), breaker.Closed},
		}},
		{"what is not fit for a log is stripped", []step{
			{isolate("a\nb\x00\x1b[31mc\u202e\xff"), breaker.Open},
			{refused("isolated: ab[31mc", 0), breaker.Open},
		}},
	} {
		t.Run(tt.name, func(t *testing.T) { run(t, breaker.Config{}, tt.steps) })
	}
}
