package nonce

import (
	"io"
	"time"
)

// SetClock has l read now instead of time.Now. Virtual time never steps back; this one may.
func SetClock(l *Lane, now func() time.Time) { l.now = now }

// Load is what the pool goes by: turns and waiters.
func Load(l *Lane) int { return int(l.load.Load()) }

// Crash lets go of l's high-water file as the end of the process would: nothing is written.
func Crash(l *Lane) { _ = l.marks.lock.Close() }

// NewLaneOn is NewLane on a disk that is somebody else's.
func NewLaneOn(c LaneConfig, lock func(string) (io.Closer, error), read func(string) ([]byte, error), write func(name, text string) error) (*Lane, error) {
	return newLane(c, disk{lock, read, write})
}
