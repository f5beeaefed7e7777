package story_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// A shift is a program and its bank on the night that the runbook is about: in virtual
// time, without chance in its waits.
type shift struct {
	t       *testing.T
	bank    *nexpaytest.Bank
	lane    *nonce.Lane
	breaker *breaker.Breaker
	client  *nexpay.Client
	log     bytes.Buffer // by retry.LogEvents
	retrier *retry.Retrier
}

func onShift(t *testing.T, change func(*shift, *retry.Config)) *shift {
	t.Helper()
	s := &shift{t: t}
	var err error
	s.bank, err = nexpaytest.New(nexpaytest.Config{Keys: []nexpaytest.Key{testKey}, Seed: 1})
	require.NoError(t, err)
	signer, err := nexpay.NewSigner(testKey.Credentials())
	require.NoError(t, err)
	s.client = &nexpay.Client{BaseURL: "http://bank.test", Signer: signer, HTTP: &http.Client{Transport: s.bank.RoundTripper()}}
	s.lane, err = nonce.NewLane(nonce.LaneConfig{Key: "main"})
	require.NoError(t, err)
	s.breaker, err = breaker.New(breaker.Config{Name: "nexpay"})
	require.NoError(t, err)
	policies, err := policy.Nexpay().With(policy.Table{Default: policy.Policy{Backoff: policy.Backoff{Jitter: policy.JitterNone}}})
	require.NoError(t, err)
	logger := slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	cfg := retry.Config{Policies: policies, Nonces: s.lane, OnEvent: retry.LogEvents(logger)}
	if change != nil {
		change(s, &cfg)
	}
	s.retrier, err = retry.New(cfg)
	require.NoError(t, err)
	return s
}

func (s *shift) balance(ctx context.Context) error {
	_, err := retry.DoValue(ctx, s.retrier, s.client.AccountStatus, retry.Named("balance"))
	return err
}

type status = nexpay.PaymentStatus

// payment is an order that was signed once.
func (s *shift) payment() nexpay.Payment {
	s.t.Helper()
	order, err := s.client.Signer.SignOrder(nexpay.Order{
		RequestTime: time.Now(), Amount: "17.50", ExternalPaymentID: "inv-7",
		BeneficiaryName: "Baltic Paper", BeneficiaryAccount: "LT693080010000000294", BeneficiaryReference: "invoice 7",
	})
	require.NoError(s.t, err)
	return nexpay.Payment{Client: s.client, ExternalID: "inv-7", Order: order}
}

func (*shift) operation(p nexpay.Payment) retry.Operation[status] {
	return retry.Operation[status]{ID: p.ExternalID, Fingerprint: p.Fingerprint(), Send: p.Send, Verify: p.Verify}
}

func (s *shift) pay(p nexpay.Payment) error {
	_, err := retry.DoOnce(s.t.Context(), s.retrier, s.operation(p), retry.Named("payout"))
	return err
}

// A fullDisk is a journal that cannot write: what begins, or what ends. Its texts are those
// of journal/sqljournal.
type fullDisk struct {
	retry.MemoryJournal
	begins, ends bool // what fails
}

func (j *fullDisk) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if j.begins {
		return retry.Entry{}, noSpace("begin")
	}
	return j.MemoryJournal.Begin(ctx, e)
}

func (j *fullDisk) End(ctx context.Context, e retry.Entry) error {
	if j.ends {
		return noSpace("end")
	}
	return j.MemoryJournal.End(ctx, e)
}

type noSpace string

func (n noSpace) Error() string     { return "sqljournal: " + string(n) + ": SQLSTATE 53100 (disk full)" }
func (n noSpace) SafeError() string { return n.Error() }

// incidents are what the runbook is about, by the heading of their section: each returns
// the texts that a person on call has in hand.
var incidents = map[string]func(*testing.T) []string{
	"The outcome is unknown": func(t *testing.T) []string {
		s := onShift(t, nil)
		s.bank.Script(nexpaytest.Fault{Execute: true, Status: 502, Code: "-32603", DelayAfter: 512 * time.Millisecond})
		s.bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{Status: 503, HTML: true, DelayAfter: 20 * time.Millisecond}})
		return []string{s.pay(s.payment()).Error()}
	},
	"The key is locked": func(t *testing.T) []string {
		s := onShift(t, nil)
		s.bank.SetState(testKey.ID, nexpaytest.Locked)
		first := s.balance(t.Context())
		return []string{first.Error(), s.balance(t.Context()).Error()}
	},
	"The breaker is open": func(t *testing.T) []string {
		s := onShift(t, func(s *shift, cfg *retry.Config) { cfg.Breaker = s.breaker })
		s.bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{Status: 503, Code: "-32603", RetryAfter: "60"}})
		for range 5 {
			_ = s.balance(t.Context())
		}
		return []string{s.balance(t.Context()).Error(), s.balance(t.Context()).Error()}
	},
	"The retry budget is empty": func(t *testing.T) []string {
		s := onShift(t, nil)
		s.bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{Code: "-32603"}})
		for range 3 {
			_ = s.balance(t.Context())
		}
		_ = s.balance(t.Context())
		return []string{s.balance(t.Context()).Error()}
	},
	"The nonce is refused": func(t *testing.T) []string {
		s := onShift(t, nil)
		s.bank.SetLastNonce(testKey.ID, uint64(time.Now().Add(5*time.Second).UnixMicro()))
		return []string{s.balance(t.Context()).Error()}
	},
	"The journal fails": func(t *testing.T) []string {
		before := onShift(t, func(_ *shift, cfg *retry.Config) { cfg.Journal = &fullDisk{begins: true} })
		err := before.pay(before.payment())
		after := onShift(t, func(_ *shift, cfg *retry.Config) { cfg.Journal = &fullDisk{ends: true} })
		require.NoError(t, after.pay(after.payment()))
		return []string{err.Error(), after.log.String()}
	},
	"A code without a rule": func(t *testing.T) []string {
		s := onShift(t, nil)
		s.bank.Script(nexpaytest.Fault{Code: "150", Status: 400, Message: "Under maintenance"})
		err := s.balance(t.Context())
		return []string{err.Error(), s.log.String()}
	},
	"A request is not sent again": func(t *testing.T) []string {
		s := onShift(t, func(_ *shift, cfg *retry.Config) { cfg.Nonces = nil })
		s.bank.Script(nexpaytest.Fault{HTML: true, Status: 502, DelayAfter: 512 * time.Millisecond})
		client := &http.Client{Transport: &retryhttp.Transport{
			Retrier: s.retrier, Base: s.bank.RoundTripper(), AlwaysError: true,
			Name: func(*http.Request) string { return "create transfer" },
		}}
		_, err := client.Post("http://bank.test/transfers", "application/json", strings.NewReader("{}"))
		e, ok := errors.AsType[*retry.Error](err)
		require.True(t, ok)
		return []string{e.Error()}
	},
	"The call ended before its deadline": func(t *testing.T) []string {
		s := onShift(t, nil)
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		s.bank.Script(nexpaytest.Fault{Status: 429, RetryAfter: "45", DelayAfter: 20 * time.Millisecond})
		err := s.balance(ctx)

		slow := onShift(t, nil)
		slow.bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{DelayAfter: 9 * time.Second}})
		for range 20 {
			go func() { _ = slow.balance(t.Context()) }()
		}
		time.Sleep(80 * time.Second) // eight have had their turns
		late, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		return []string{err.Error(), slow.balance(late).Error()}
	},
}

// drawn is what differs from one run to the next: lookups have jitter.
var drawn = regexp.MustCompile(`looked up \d+ times, the last time undecided at \S+|\(1 send in (9m5\d|10m0)(\.\d+)?s`)

var printed = regexp.MustCompile("(?ms)^```text\n(.*?)^```$")

// What the runbook shows is what the library says.
func TestRunbookShowsRealTexts(t *testing.T) {
	page, err := os.ReadFile("../../docs/runbook.md")
	require.NoError(t, err)
	words := func(s string) string {
		return drawn.ReplaceAllString(strings.Join(strings.Fields(s), " "), "…")
	}
	shown := map[string][]string{} // by the heading of the section
	for _, section := range strings.Split(string(page), "\n## ") {
		title, text, _ := strings.Cut(section, "\n")
		for _, block := range printed.FindAllStringSubmatch(text, -1) {
			shown[title] = append(shown[title], words(block[1]))
		}
	}
	real := map[string][]string{}
	for title, incident := range incidents {
		synctest.Test(t, func(t *testing.T) {
			for _, text := range incident(t) {
				real[title] = append(real[title], words(text))
			}
		})
	}
	require.Equal(t, real, shown)
}

// What stands under Other lines is said by the library, by Go, or by the API.
func TestRunbookQuotesRealLines(t *testing.T) {
	page, err := os.ReadFile("../../docs/runbook.md")
	require.NoError(t, err)
	texts, err := os.ReadFile("../lint/testdata/texts.txt")
	require.NoError(t, err)
	elsewhere := []string{"no such host", "connection refused", http.ErrSchemeMismatch.Error(), "401", "403", "301", "302", "307", "308", "retry: warning"}
	_, list, found := strings.Cut(string(page), "\n## Other lines\n")
	require.True(t, found)
	quoted := 0
	for _, entry := range strings.Split(list, "\n- ")[1:] {
		lines, _, found := strings.Cut(strings.Join(strings.Fields(entry), " "), ": ")
		require.True(t, found, entry)
		for i, quote := range strings.Split(lines, "`") {
			if i%2 == 0 {
				continue
			}
			quoted++
			known := func(s string) bool { return strings.Contains(s, strings.TrimPrefix(quote, "HTTP ")) }
			if !known(string(texts)) && !slices.ContainsFunc(elsewhere, known) {
				t.Errorf("nothing says %q", quote)
			}
		}
	}
	require.Greater(t, quoted, 20)
}
