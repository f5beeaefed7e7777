//go:build unix

package nonce_test

import (
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nonce"
)

// A pipe without a reader is a disk that hangs, in the system call that does.
func TestEnterEndsWithItsContextInTheSystemCall(t *testing.T) {
	file := filepath.Join(t.TempDir(), "main.nonce")
	l := newLane(t, nonce.LaneConfig{InFlight: 4, HighWater: file})
	require.NoError(t, syscall.Mkfifo(file+".tmp", 0o600))
	for range 2 {
		var callers []*caller
		for range 6 {
			callers = append(callers, arrive(l.Enter))
		}
		for nonce.Load(l) < 6 {
			runtime.Gosched()
		}
		for _, c := range callers {
			require.True(t, c.waits())
			c.cancel(nil)
			<-c.done
			require.ErrorContains(t, c.err, "context canceled")
		}
		require.Zero(t, nonce.Load(l))
	}
	pipe, err := os.OpenFile(file+".tmp", os.O_RDWR, 0) // the disk is back, and says that a pipe cannot be synced
	require.NoError(t, err)
	require.Error(t, l.Close())
	require.NoError(t, pipe.Close())
}

// Neither is a pipe waited for, nor a device replaced by a file.
func TestHighWaterIsARegularFile(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "pipe")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, name := range []string{pipe, t.TempDir()} {
		_, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: name})
		require.EqualError(t, err, `nonce: key "main": high-water file: open `+name+`: it is not a regular file`)
	}
	link := filepath.Join(t.TempDir(), "link")
	require.NoError(t, os.Symlink(pipe, link))
	_, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: link})
	require.ErrorContains(t, err, "not a regular file")
}
