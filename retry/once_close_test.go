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
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// ends is a journal that can be asked until the operation is to be closed, and from
// then on not.
type ends struct {
	retry.MemoryJournal
	broken bool
}

var errGone = errors.New("connection refused")

func (j *ends) Begin(ctx context.Context, e retry.Entry) (retry.Entry, error) {
	if j.broken {
		return retry.Entry{}, errGone
	}
	return j.MemoryJournal.Begin(ctx, e)
}

func (j *ends) End(ctx context.Context, e retry.Entry) error {
	if j.broken {
		return errGone
	}
	return j.MemoryJournal.End(ctx, e)
}

// "Not applied" rests on the journal's agreement wherever another process may have
// gone on: after doubt, of an entry older than its sender's time and the journal's, of
// one that others may replay at once, and of one that is not this call's. Otherwise it
// is the truth whatever the journal does, and an event says what that did (M8).
func TestJournalFailsAtTheEnd(t *testing.T) {
	// A send has 10 s and the journal 5 s, of which a failing one takes 1.3 s.
	const inTime = 13700 * time.Millisecond
	for name, tt := range map[string]struct {
		sends  []error
		entry  *retry.Entry
		keyed  bool
		takes  time.Duration
		locked bool // before the first send
		last   int  // send, in which the journal breaks
		want   error
		told   error // where the journal works
	}{
		"refused at once":                     {last: 1, sends: []error{code(400, "30010")}, want: retry.ErrFixAndResend},
		"refused within its time":             {last: 1, sends: []error{code(400, "30010")}, takes: inTime, want: retry.ErrFixAndResend},
		"refused later than that":             {last: 1, sends: []error{code(400, "30010")}, takes: inTime + 1, want: retry.ErrOutcomeUnknown, told: retry.ErrFixAndResend},
		"refused, and others may replay it":   {last: 1, sends: []error{code(400, "30010")}, keyed: true, want: retry.ErrOutcomeUnknown, told: retry.ErrFixAndResend},
		"no connection, at last":              {last: 4, sends: repeated(errRefused, 9), want: retry.ErrAttempts},
		"doubt, and then refused":             {last: 2, sends: []error{errTimeout, code(400, "30010")}, want: retry.ErrOutcomeUnknown, told: retry.ErrFixAndResend},
		"doubt, and attempts are used up":     {last: 4, sends: repeated(errTimeout, 9), want: retry.ErrOutcomeUnknown, told: retry.ErrAttempts},
		"inherited, absent, and then refused": {last: 1, sends: []error{code(400, "30010")}, entry: &retry.Entry{}, want: retry.ErrOutcomeUnknown, told: retry.ErrFixAndResend},
		"nothing was written, or sent":        {locked: true, want: retry.ErrOutcomeUnknown, told: retry.ErrLockedOut},
		"it happened":                         {last: 1, want: nil},
		"it happened, after doubt":            {last: 2, sends: []error{errTimeout}, want: nil},
	} {
		for _, broken := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/broken %v", name, broken), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					journal := &ends{}
					if tt.entry != nil {
						_, err := journal.Begin(t.Context(), retry.Entry{ID: "inv-7", State: retry.EntryOpen, Owner: "crashed", At: time.Now()})
						require.NoError(t, err)
					}
					failed := 0
					r := newRetrier(t, retry.Config{
						Journal: journal, Key: "lane", Budget: retry.NoBudget(), Policies: steady(t, policy.Table{}),
						OnEvent: func(_ context.Context, e retry.Event) {
							if e.Kind == retry.EventJournal {
								failed++
							}
						},
					})
					if tt.locked {
						lockKey(r)
					}
					p := &payment{sends: tt.sends, looks: []found{absent}}
					p.onSend = func(ctx context.Context) {
						if len(p.sends) > 0 && p.sends[0] == errRefused {
							asked(ctx)
						}
						time.Sleep(tt.takes)
						journal.broken = broken && len(p.sent) == tt.last
					}
					p.changes = func(op *retry.Operation[string]) {
						if tt.keyed {
							op.Idempotent = 24 * time.Hour
						}
					}
					if tt.locked && broken {
						journal.broken = false
						read := 0
						r = newRetrier(t, retry.Config{Journal: &fault{onBegin: func(int, *retry.Entry) error {
							if read++; read > 1 {
								return errGone
							}
							return nil
						}}, Key: "lane", Lockout: r.Lockout()})
					}
					_, err := retry.DoOnce(t.Context(), r, p.operation())
					want := tt.want
					if !broken && tt.told != nil {
						want = tt.told
					}
					if want == nil {
						require.NoError(t, err)
						return
					}
					e := requireOnly(t, err, want)
					if want == retry.ErrOutcomeUnknown {
						require.ErrorContains(t, e.Doubt.Blocked, "the journal failed")
						require.Equal(t, classify.Unknown, e.Effect)
						return
					}
					require.Equal(t, classify.NotApplied, e.Effect)
					if broken {
						require.Equal(t, 1, failed, "an event says so")
					}
				})
			})
		}
	}
}
