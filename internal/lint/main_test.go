package lint_test

import (
	"os"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// atRoot has a test read paths from the root of the repository. It is done within the
// tests and not before them, so that the go command knows which files they have read: a
// change of one makes a cached result stale.
func atRoot(t *testing.T) {
	t.Helper()
	require.NoError(t, toRoot())
}

var toRoot = sync.OnceValue(func() error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	return os.Chdir(here + "/../..")
})
