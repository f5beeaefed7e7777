package policyfile

import (
	"errors"
	"io"
	"reflect"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A File is the checked and compiled content of a file.
type File struct {
	// Policies are the policies of the file with their catalog: for
	// retry.Config.Policies, or retry.Retrier.Reload.
	Policies *policy.Set
	// Breaker and Budget are the settings of the file, with zero where it sets nothing:
	// for breaker.New or NewGroup, and for retry.NewBudget. They are validated. Changes
	// take effect after a restart of the program.
	Breaker breaker.Config
	Budget  retry.BudgetConfig

	// Notes are about settings that are valid but may not be intended, in the order of
	// the file: attempts that together cost more than the budget holds, so that they are
	// reached only if other calls succeed meanwhile; a max-retry-after for which elapsed
	// leaves no time; a code such as 10-19, which is a word.
	Notes []Problem

	path, text string // where it was loaded from
}

// Load reads a file. For mistakes in it, Load returns an [*Error] that has all of them.
// For a file that cannot be read, it returns the error of package os.
func Load(path string) (*File, error) {
	data, err := read(path)
	if err != nil {
		return nil, err
	}
	return loaded(path, data)
}

func loaded(path string, data []byte) (*File, error) {
	f, err := Parse(path, data)
	if err == nil {
		f.path, f.text = path, string(data)
	}
	return f, err
}

func readAll(r io.Reader) ([]byte, error) { return io.ReadAll(io.LimitReader(r, mostBytes+1)) }

// Parse is Load for data that has been read. The name appears in errors and as the origin
// of policies.
func Parse(name string, data []byte) (*File, error) {
	d := newDecoder()
	d.name, d.text = name, string(data)
	var doc document
	root := d.parse(data)
	if root == nil {
		return nil, d.result(name)
	}
	d.value(root, reflect.ValueOf(&doc).Elem())
	f := d.compile(root, &doc)
	if err := d.result(name); err != nil {
		return nil, err
	}
	d.notes(root, &doc, f)
	return f, nil
}

func (b breakerSettings) config() breaker.Config {
	return breaker.Config{
		ConsecutiveFailures: int(b.ConsecutiveFailures), FailureRatio: float64(b.FailureRatio), MinCalls: int(b.MinCalls),
		Window: time.Duration(b.Window), OpenFor: time.Duration(b.OpenFor), MaxOpenFor: time.Duration(b.MaxOpenFor),
		Probes: int(b.Probes), ProbeTimeout: time.Duration(b.ProbeTimeout), SlowCall: time.Duration(b.SlowCall), ReportOnly: b.ReportOnly,
	}
}

func (b *budgetSettings) config() retry.BudgetConfig {
	return retry.BudgetConfig{Capacity: int(b.Capacity), Deposit: int(b.Deposit), FullIn: time.Duration(b.FullIn), Refund: retry.Refund(b.Refund)}
}

func (s *settings) policy() policy.Policy {
	return policy.Policy{
		MaxAttempts: int(s.Attempts), MaxElapsed: time.Duration(s.Elapsed), MaxRetryAfter: time.Duration(s.MaxRetryAfter),
		Cost: int(s.Cost), Breaker: s.Breaker,
		Backoff: policy.Backoff{
			Initial: time.Duration(s.Backoff.Initial), Max: time.Duration(s.Backoff.Max),
			Multiplier: s.Backoff.Multiplier, Jitter: s.Backoff.Jitter,
		},
	}
}

// leaves returns the errors that were joined into one.
func leaves(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		var all []error
		for _, e := range joined.Unwrap() {
			all = append(all, leaves(e)...)
		}
		return all
	}
	if inner := errors.Unwrap(err); inner != nil {
		if _, ok := inner.(interface{ Unwrap() []error }); ok { // catalog "x": …
			return leaves(inner)
		}
	}
	return []error{err}
}
