package main

import (
	"time"

	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// A site is what the workers use: the bank and the queue of invoices.
type site struct {
	bank  *nexpaytest.Bank
	url   string
	queue *queue
}

func openSite(o options) (*site, error) {
	var c nexpaytest.Config
	for n := range o.keys {
		k := credentials(keyName(n))
		c.Keys = append(c.Keys, nexpaytest.Key{ID: k.Key, Secret: k.Secret, PaymentSecret: k.PaymentSecret})
	}
	bank, err := nexpaytest.New(c)
	if err != nil {
		return nil, err
	}
	// 18 of a hundred answers are lost or late, most of them after the request was executed.
	for _, f := range []nexpaytest.Fault{
		{Reset: true, Execute: true},
		{Status: 500, Execute: true},
		{HTML: true, Execute: true},
		{DelayAfter: 2 * attempt},
		{Reset: true},
		{DelayAfter: 3 * attempt},
	} {
		bank.AddRule(nexpaytest.Rule{Share: 0.03, Fault: f})
	}
	url, err := bank.Start()
	if err != nil {
		return nil, err
	}
	q, err := openQueue(o.invoices, time.Now().Add(o.ttl)) // when each worker has its share of the keys
	if err != nil {
		bank.Close()
		return nil, err
	}
	return &site{bank, url, q}, nil
}

func (s *site) close() {
	s.queue.close()
	s.bank.Close()
}

// late counts the requests with a nonce below one that the bank had already received.
func (s *site) late() (n int) {
	for _, r := range s.bank.Requests() {
		if r.Refusal == "50" {
			n++
		}
	}
	return n
}
