package boltjournal

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// surely reports whether the path certainly leads to the file; false means perhaps
// not. Unlike os.Stat it does not read the file's times: since Linux 6.13, reading
// them makes the file system write a new time with the next change, which makes a
// commit a sixth slower.
func surely(path string, file fs.FileInfo) bool {
	known, ok := file.Sys().(*syscall.Stat_t)
	if !ok {
		return false
	}
	var found unix.Statx_t
	err := unix.Statx(unix.AT_FDCWD, path, 0, unix.STATX_INO, &found)
	return err == nil && found.Ino == known.Ino && unix.Mkdev(found.Dev_major, found.Dev_minor) == uint64(known.Dev)
}
