package resiliencedebug

import (
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// A callsRow has the counts of one Retrier since it was made, and its budget now.
type callsRow struct {
	API          string           `json:"api"`
	Calls        int64            `json:"calls"`
	Successes    int64            `json:"successes"`
	Sends        int64            `json:"sends"`
	Resends      int64            `json:"resends"`
	SendsPerCall float64          `json:"sends_per_call"`
	Ended        map[string]int64 `json:"ended"`              // by the words of retry.Call.Reason
	Budget       *budgetRow       `json:"budget,omitempty"`   // absent: it never refuses
	InDoubt      int              `json:"in_doubt,omitempty"` // operations that it remembers without a journal
	NoKey        string           `json:"no_key,omitempty"`   // why it has no key to send with
}

// Failed returns the counts of calls that did not succeed.
func (c *callsRow) Failed() map[string]int64 {
	failed := map[string]int64{}
	for reason, n := range c.Ended {
		if reason != "success" {
			failed[reason] = n
		}
	}
	return failed
}

type budgetRow struct {
	Tokens   int  `json:"tokens"`
	Capacity int  `json:"capacity"`
	Cost     int  `json:"cost"`  // of a usual resend, for a retryable error without a policy of its own
	Empty    bool `json:"empty"` // it cannot pay for one
}

// obstacle returns why a source of nonces has no key, if it can tell.
func obstacle(source nonce.Source) (why string) {
	contained("Nonces", func() {
		if s, ok := source.(interface{ Obstacle() string }); ok {
			why = text.Line(s.Obstacle())
		}
	})
	return why
}

func (p *page) callsNow(stats map[string]retry.Stats) (rows []callsRow) {
	for _, api := range p.names {
		s := stats[api]
		row := callsRow{API: api, Calls: s.Calls, Successes: s.Successes, Sends: s.Sends, Resends: s.Resends, Ended: s.Ended, InDoubt: s.InDoubt, NoKey: obstacle(p.retriers[api].Nonces())}
		if s.Calls > 0 {
			row.SendsPerCall = float64(s.Sends) / float64(s.Calls)
		}
		if s.Capacity > 0 {
			cost := max(p.retriers[api].Policies().For(classify.Verdict{Class: classify.Retryable}).Cost, 0)
			row.Budget = &budgetRow{s.Tokens, s.Capacity, cost, s.Tokens < cost}
		}
		rows = append(rows, row)
	}
	return rows
}
