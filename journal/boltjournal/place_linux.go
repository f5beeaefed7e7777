package boltjournal

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// surely reports whether the path leads to the file. It does not ask for the file's
// times as os.Stat does: since Linux 6.13 whoever asks has the file system write a
// new one with the next change, which makes a commit a sixth slower. false: perhaps
// not.
func surely(path string, file fs.FileInfo) bool {
	known, ok := file.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	var found unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &found)
	return err == nil && found.Ino == known.Ino && unix.Mkdev(found.Dev_major, found.Dev_minor) == uint64(known.Dev)
}
