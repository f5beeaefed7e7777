package classify_test

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// A prickly error panics, as a nil pointer, whatever it is asked.
type prickly struct{ inner error }

func (p *prickly) Error() string     { return p.inner.Error() }
func (p *prickly) Unwrap() error     { return p.inner }
func (p *prickly) ErrorCode() int    { _ = *p; return 50 }
func (p *prickly) NotSent() bool     { _ = *p; return true }
func (p *prickly) Timeout() bool     { _ = *p; return true }
func (p *prickly) Is(error) bool     { _ = *p; return true }
func (p *prickly) As(any) bool       { _ = *p; return false }
func (p *prickly) SafeError() string { _ = *p; return "" }

// An error that is a nil pointer, or holds one, is one that nobody recognises.
func TestNilPointers(t *testing.T) {
	for _, none := range []error{
		(*prickly)(nil), (*classify.Error)(nil), (*retry.Error)(nil), (*net.OpError)(nil), (*net.DNSError)(nil), (*url.Error)(nil),
	} {
		for _, err := range []error{none, fmt.Errorf("x: %w", none), errors.Join(none, none)} {
			require.Equal(t, classify.Verdict{}, classify.Nexpay().Classify(err), "%T", none)
		}
		beside := classify.Nexpay().Classify(errors.Join(none, &classify.Error{Status: 400, Details: []classify.Detail{{Code: "30010"}}}))
		require.Equal(t, classify.FixAndResend, beside.Class)
		require.Equal(t, classify.Unknown, beside.Effect, "nobody knows what the other one is about")

		err := classify.Undecodable(none)
		require.EqualError(t, err, fmt.Sprintf("unreadable answer: an error that is a nil %T", none))
		require.Equal(t, classify.Retryable, classify.Nexpay().Classify(err).Class)
	}
}
