package insist_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/insist"
)

var errBusy = errors.New("busy")

func TestOn(t *testing.T) {
	flaky := errors.New("connection reset")
	for name, tt := range map[string]struct {
		fails []error
		asked int
		took  time.Duration
		want  string
	}{
		"at once":                  {nil, 1, 0, ""},
		"the second time":          {[]error{flaky}, 2, 50 * time.Millisecond, ""},
		"the last time":            {[]error{flaky, flaky, flaky}, 4, 1300 * time.Millisecond, ""},
		"never":                    {[]error{flaky, flaky, flaky, flaky, flaky}, 4, 1300 * time.Millisecond, "connection reset"},
		"a final word":             {[]error{errBusy, flaky}, 1, 0, "busy"},
		"a nil pointer of a type":  {[]error{(*insist.PanicError)(nil)}, 2, 50 * time.Millisecond, ""},
		"a panic, and then it can": {[]error{errPanic}, 2, 50 * time.Millisecond, ""},
		"panics only":              {[]error{errPanic, errPanic, errPanic, errPanic}, 4, 1300 * time.Millisecond, "the journal panicked with a string"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				asked, began := 0, time.Now()
				got, err := insist.On(t.Context(), 5*time.Second, errBusy, func(context.Context) (int, error) {
					asked++
					if asked > len(tt.fails) {
						return 7, nil
					}
					if tt.fails[asked-1] == errPanic {
						panic("a secret")
					}
					return 0, tt.fails[asked-1]
				})
				require.Equal(t, tt.asked, asked)
				require.Equal(t, tt.took, time.Since(began))
				if tt.want != "" {
					require.EqualError(t, err, tt.want)
					return
				}
				require.NoError(t, err)
				require.Equal(t, 7, got)
			})
		})
	}
}

var errPanic = errors.New("panic here")

// All of it ends in time, however long one answer takes.
func TestOnInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := insist.On(t.Context(), 5*time.Second, errBusy, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.EqualError(t, err, "no answer within 5s")
		require.Equal(t, 5*time.Second, time.Since(began))

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, err = insist.On(ctx, 5*time.Second, errBusy, func(ctx context.Context) (int, error) {
			<-ctx.Done()
			return 0, ctx.Err()
		})
		require.Equal(t, context.DeadlineExceeded, err, "the caller's own")
	})
}
