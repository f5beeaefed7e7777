package main

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/promretry"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

// A service pays invoices and reads balances.
type service struct {
	logger *slog.Logger
	bank   *nexpaytest.Bank
	keys   map[string]*nexpay.Client // by the name of the key
	r      *retry.Retrier
	page   http.Handler
}

var names = []string{"payouts-1", "payouts-2"}

func newService(logger *slog.Logger) (*service, error) {
	s := &service{logger: logger, keys: make(map[string]*nexpay.Client)}
	var keys []nexpaytest.Key
	for _, name := range names {
		keys = append(keys, nexpaytest.Key{ID: name + "-id", Secret: name + "-secret", PaymentSecret: "payments-secret"})
	}
	var err error
	if s.bank, err = nexpaytest.New(nexpaytest.Config{Keys: keys}); err != nil {
		return nil, err
	}
	url, err := s.bank.Start()
	if err != nil {
		return nil, err
	}
	var lanes []*nonce.Lane
	for i, name := range names {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: name})
		if err != nil {
			return nil, err
		}
		signer, err := nexpay.NewSigner(keys[i].Credentials())
		if err != nil {
			return nil, err
		}
		lanes, s.keys[name] = append(lanes, lane), &nexpay.Client{BaseURL: url, Signer: signer}
	}
	pool, err := nonce.NewPool(lanes...)
	if err != nil {
		return nil, err
	}
	return s, s.watched(pool)
}

// watched makes the Retrier, the metrics and the page: all that is needed to observe it.
func (s *service) watched(pool *nonce.Pool) error {
	breakers, err := breaker.NewGroup(breaker.Config{OnStateChange: breaker.LogChanges(s.logger)}, 0)
	if err != nil {
		return err
	}
	cfg := retry.Config{
		Nonces: pool, Breakers: breakers, Journal: new(retry.MemoryJournal),
		OnEvent: retry.LogEvents(s.logger),
	}
	registry := prometheus.NewRegistry()
	metrics, err := promretry.New(promretry.Config{Registerer: registry})
	if err != nil {
		return err
	}
	metrics.Attach(&cfg)
	if s.r, err = retry.New(cfg); err != nil {
		return err
	}
	metrics.Watch(s.r)
	page, err := resiliencedebug.New(resiliencedebug.Config{
		Title:    "examples/observe",
		Retriers: map[string]*retry.Retrier{"nexpay": s.r},
		Settle:   settle,
		Actions:  &resiliencedebug.Actions{Who: you},
	})
	if err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("/metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/debug/resilience", page)
	mux.HandleFunc("/{$}", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, `<!doctype html><title>observe</title><p><a href="/debug/resilience">the page</a>, <a href="/metrics">the metrics</a>`)
	})
	s.page = mux
	return nil
}

// you names whoever uses this machine, as there is no login. It names nobody under other
// host names: any website can let a name of its own resolve to 127.0.0.1, and has the
// same origin as this page then.
func you(r *http.Request) string {
	host, _, _ := net.SplitHostPort(r.Host)
	if ip := net.ParseIP(host); host == "localhost" || ip.IsLoopback() {
		return "you"
	}
	return ""
}

func (s *service) close() { s.bank.Close() }

// serve serves the page and runs the jobs until ctx ends or the days are over.
func (s *service) serve(ctx context.Context, listener net.Listener, length time.Duration, days int) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &http.Server{Handler: s.page, ReadHeaderTimeout: 5 * time.Second}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	defer server.Close()

	var work sync.WaitGroup
	defer work.Wait()
	defer stop()
	for _, job := range []func(context.Context, int){s.balance, s.pay} {
		work.Go(func() { s.repeat(ctx, job) })
	}
	done := make(chan struct{})
	work.Go(func() {
		defer close(done)
		for n := 0; ctx.Err() == nil && (days == 0 || n < days); n++ {
			misbehave(ctx, s.logger, s.bank, length)
			for _, key := range names { // a person has talked to the bank
				s.r.Lockout().Unlock(key)
			}
		}
	})
	select {
	case err := <-failed:
		return err
	case <-done:
	}
	return nil
}

// repeat starts a job four times a second, even if earlier ones are still running, but
// never more than 50 at once.
func (s *service) repeat(ctx context.Context, job func(context.Context, int)) {
	var jobs sync.WaitGroup
	defer jobs.Wait()
	room := make(chan struct{}, 50)
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		select {
		case room <- struct{}{}:
			jobs.Go(func() {
				defer func() { <-room }()
				job(ctx, n)
			})
		default:
		}
	}
}

// settle is how long a request at this bank may still take effect after it was sent.
const settle = 2 * time.Second

func (s *service) balance(ctx context.Context, _ int) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	_ = retry.Do(ctx, s.r, func(ctx context.Context) error {
		_, err := s.client(ctx).AccountStatus(ctx)
		return err
	}, retry.Named("balance"), retry.Endpoint("accounts"))
}

// pay pays an invoice. The order is signed once, with the payment secret.
func (s *service) pay(ctx context.Context, n int) {
	id := fmt.Sprintf("inv-%d-%d", time.Now().Unix(), n)
	order, err := s.keys[names[0]].Signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: fmt.Sprintf("%d.50", 1+rand.N(99)), BeneficiaryName: "Example Ltd",
		BeneficiaryAccount: "LT000000000000000000", BeneficiaryReference: id, ExternalPaymentID: id,
	})
	if err != nil {
		s.logger.Error("the order", "error", err)
		return
	}
	payment := func(ctx context.Context) nexpay.Payment {
		return nexpay.Payment{Client: s.client(ctx), ExternalID: id, Order: order}
	}
	_, _ = retry.DoOnce(ctx, s.r, retry.Operation[nexpay.PaymentStatus]{
		ID: id, Fingerprint: payment(ctx).Fingerprint(), Settle: settle,
		Send: func(ctx context.Context) (nexpay.PaymentStatus, error) { return payment(ctx).Send(ctx) },
		Verify: func(ctx context.Context) (nexpay.PaymentStatus, retry.Outcome, error) {
			return payment(ctx).Verify(ctx)
		},
	}, retry.Named("payout"), retry.Endpoint("payments"))
}

// client returns the client of the key in the attempt's ticket.
func (s *service) client(ctx context.Context) *nexpay.Client {
	if ticket, ok := nonce.FromContext(ctx); ok {
		return s.keys[ticket.Key()]
	}
	return s.keys[names[0]]
}
