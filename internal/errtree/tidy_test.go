package errtree_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/errtree"
)

func TestTidy(t *testing.T) {
	require.NoError(t, errtree.Tidy(nil))
	require.Equal(t, io.EOF, errtree.Tidy(io.EOF))
	for _, err := range []error{none, fmt.Errorf("x: %w", none), list{io.EOF, none}} {
		tidy := errtree.Tidy(err)
		require.EqualError(t, tidy, "an error that is a nil *errtree_test.node")
		require.Equal(t, &errtree.NilError{Kind: "*errtree_test.node"}, tidy)
		require.NotErrorIs(t, tidy, io.EOF)
	}
}

// An error that wraps itself, or grows without end, is not for errors.As to follow.
func TestTidyLargeErrors(t *testing.T) {
	cycle := &wrapper{}
	cycle.inner = fmt.Errorf("again: %w", cycle)
	doubled := errors.New("x")
	for range 30 {
		doubled = errors.Join(doubled, doubled)
	}
	for name, err := range map[string]error{"a cycle": cycle, "a tree of copies": doubled} {
		t.Run(name, func(t *testing.T) {
			require.EqualError(t, errtree.Tidy(err), "an error that wraps itself, or holds more than 1000 others")
		})
	}
	long := errors.New("x")
	for range 100 {
		long = errors.Join(long, errors.New("y"))
	}
	require.Equal(t, long, errtree.Tidy(long))
}

type wrapper struct{ inner error }

func (w *wrapper) Error() string { return "wrapper" }
func (w *wrapper) Unwrap() error { return w.inner }
