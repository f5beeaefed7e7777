package main

import (
	"context"
	"log/slog"
	"time"

	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// A trouble is a fault of the bank that lasts for a part of the day.
type trouble struct {
	from, to float64 // of the day: 0 to 1
	what     string  // for the log
	rule     nexpaytest.Rule
}

const (
	balances = "/api/1/eurowallet/status"
	payments = "/api/2/eurowallet/payments"
)

// day is what goes wrong in the course of a day.
var day = []trouble{
	{0.10, 0.22, "one answer in five is an internal error", nexpaytest.Rule{Share: 0.2, Fault: nexpaytest.Fault{Code: "-32603"}}},
	{0.25, 0.30, "a code that nobody knows", nexpaytest.Rule{Path: balances, Share: 0.3, Fault: nexpaytest.Fault{Status: 400, Code: "4242"}}},
	{0.33, 0.48, "payments are down", nexpaytest.Rule{Path: payments, Fault: nexpaytest.Fault{Status: 503}}},
	{0.52, 0.60, "payments are made, and their answers lost", nexpaytest.Rule{Path: payments, Share: 0.5, Fault: nexpaytest.Fault{Execute: true, Reset: true}}},
	{0.52, 0.68, "lookups find nothing yet", nexpaytest.Rule{Path: "/api/1/eurowallet/payments/status", Fault: nexpaytest.Fault{Status: 503}}},
	{0.72, 0.82, "the second key is locked", nexpaytest.Rule{Key: "payouts-2-id", Times: 1, Fault: nexpaytest.Fault{Code: "100"}}},
	{0.85, 0.97, "everything is slow", nexpaytest.Rule{Fault: nexpaytest.Fault{DelayAfter: 300 * time.Millisecond}}},
}

// misbehave applies the faults of one day.
func misbehave(ctx context.Context, logger *slog.Logger, bank *nexpaytest.Bank, length time.Duration) {
	ends := make([]func(), len(day))
	defer func() {
		for _, end := range ends {
			if end != nil {
				end()
			}
		}
	}()
	tick := time.NewTicker(max(length/200, 10*time.Millisecond))
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < length; {
		now := float64(time.Since(began)) / float64(length)
		for i := range day {
			switch is := day[i].from <= now && now < day[i].to; {
			case is && ends[i] == nil:
				logger.Info("bank: from now on " + day[i].what)
				ends[i] = bank.AddRule(day[i].rule)
			case !is && ends[i] != nil:
				logger.Info("bank: no more: " + day[i].what)
				ends[i]()
				ends[i] = nil
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
