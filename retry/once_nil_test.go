package retry_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// An error that is a nil pointer, wherever it hides: any method of it may panic.
var nilErrors = map[string]error{
	"bare":                       (*nilCode)(nil),
	"an answer":                  (*classify.Error)(nil),
	"a call's":                   (*retry.Error)(nil),
	"wrapped":                    fmt.Errorf("beside: %w", (*nilCode)(nil)),
	"wrapped twice":              fmt.Errorf("a: %w", fmt.Errorf("b: %w", (*nilCode)(nil))),
	"wrapped, an answer":         fmt.Errorf("beside: %w", (*classify.Error)(nil)),
	"joined first":               errors.Join((*nilCode)(nil), errors.New("x")),
	"joined last":                errors.Join(errors.New("x"), (*nilCode)(nil)),
	"joined with a refusal":      errors.Join(code(400, "30010"), (*nilCode)(nil)),
	"joined with a nil answer":   errors.Join(code(400, "30010"), (*classify.Error)(nil)),
	"joined with a nil call":     errors.Join(code(400, "30010"), (*retry.Error)(nil)),
	"joined, wrapped and joined": errors.Join(errors.New("x"), fmt.Errorf("y: %w", errors.Join(errRefused, (*nilCode)(nil)))),
	"two wrapped at once":        fmt.Errorf("%w and %w", code(400, "30010"), (*nilCode)(nil)),
	"the Last of a call":         &retry.Error{Reason: retry.ErrFatal, Last: (*nilCode)(nil)},
	"the Cause of a call":        &retry.Error{Reason: retry.ErrFatal, Cause: (*nilCode)(nil)},
}

// It proves nothing of a payment (M3), decides nothing in a lookup (M5), and panics
// nowhere, in no text of it either.
func TestNilPointerInAnyError(t *testing.T) {
	for name, err := range nilErrors {
		for _, lane := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/lane %v", name, lane), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cfg := retry.Config{OnEvent: func(_ context.Context, e retry.Event) { _ = fmt.Sprintf("%+v", e) }}
					if lane {
						cfg.Nonces = newLane(t)
					}
					p := &payment{sends: []error{err}, looks: []found{applied}}
					v, got := pay(t, t.Context(), cfg, p)
					require.NoError(t, got, "it is looked up")
					require.Equal(t, "verified", v)
					require.Len(t, p.sent, 1)

					lost := &payment{sends: []error{err}, looks: []found{{retry.Undecided, err}}}
					_, got = pay(t, t.Context(), cfg, lost)
					e := requireOnly(t, got, retry.ErrOutcomeUnknown)
					require.Len(t, lost.sent, 1)
					require.Greater(t, len(lost.looked), 1, "it ends no looking")
					_ = fmt.Sprintf("%+v %#v %v %s", e, e, e.Doubt, e.Doubt.Answer)

					none := &payment{sends: []error{errTimeout}, looks: []found{{retry.Absent, err}}}
					_, got = pay(t, t.Context(), cfg, none)
					require.Zero(t, requireOnly(t, got, retry.ErrOutcomeUnknown).Doubt.Absent, "Absent with an error is Undecided")

					some := &payment{sends: []error{errTimeout}, looks: []found{{retry.Applied, err}}}
					_, got = pay(t, t.Context(), cfg, some)
					requireOnly(t, got, retry.ErrApplied)
				})
			})
		}
	}
}

// The same in calls that are no payments, and inside each other.
func TestNilPointerInAnyCall(t *testing.T) {
	for name, err := range nilErrors {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{Nonces: newLane(t)})
				hedged := func(ctx context.Context, op func(context.Context) error) error {
					_, err := retry.Hedge(ctx, r, time.Millisecond, func(ctx context.Context) (int, error) {
						time.Sleep(time.Second)
						return 1, op(ctx)
					})
					return err
				}
				for _, got := range []error{
					retry.Do(t.Context(), r, always(err)),
					retry.Do(t.Context(), r, always(err), retry.Resend(retry.ResendOnProof)),
					retry.Do(t.Context(), r, inDo(r, always(err))),
					retry.Do(t.Context(), r, func(ctx context.Context) error {
						return retry.Do(retry.Apart(ctx), newRetrier(t, retry.Config{}), always(err))
					}),
					hedged(t.Context(), always(err)),
				} {
					require.Error(t, got)
					_ = fmt.Sprintf("%+v", got)
				}
			})
		})
	}
}

// nilCode is an error whose methods need what it points to.
type nilCode struct{ code int }

func (c *nilCode) Error() string  { return fmt.Sprint(c.code) }
func (c *nilCode) ErrorCode() int { return c.code }
func (c *nilCode) Unwrap() error  { return fmt.Errorf("%d", c.code) }
