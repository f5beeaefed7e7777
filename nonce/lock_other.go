//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd || windows)

package nonce

import (
	"errors"
	"os"
)

// lockFile always fails: without a lock, two lanes could use one file.
func lockFile(name string) (*os.File, error) {
	return nil, &os.PathError{Op: "lock", Path: name, Err: errors.ErrUnsupported}
}

func syncFolder(string) error { return nil }
