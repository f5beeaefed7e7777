package errtree_test

import (
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
