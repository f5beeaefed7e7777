//go:build unix

package policyfile_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"
)

// A pipe in place of the file, which nobody writes to, stops neither Close nor the changes that follow.
func TestWatchedFileBecomesAPipe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policies.yaml")
		require.NoError(t, os.WriteFile(path, says("2"), 0o600))
		w := watch(t, path)
		require.NoError(t, os.Remove(path))
		require.NoError(t, syscall.Mkfifo(path, 0o600))
		w.hearsOf("not a regular file")
		w.quiet()
		require.NoError(t, os.Remove(path))
		require.NoError(t, os.WriteFile(path, says("3"), 0o600))
		w.hears(3)
		require.NoError(t, os.Remove(path))
		require.NoError(t, syscall.Mkfifo(path, 0o600))
		w.hearsOf("not a regular file") // and Close returns
	})
}
