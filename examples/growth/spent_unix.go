//go:build unix

package main

import (
	"syscall"
	"time"
)

// spent is the time that processors have worked for this process: what a busy machine
// makes it wait does not count.
func spent() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return elapsed()
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
