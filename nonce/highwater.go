package nonce

import (
	"errors"
	"fmt"
	"time"
)

// block is how far the mark is set above the nonce that required it, at most. So the file
// is written once in that time, and a lane that follows a crash begins at most that far
// ahead of the clock.
const block = 10 * time.Second

// openMarks opens and locks the file, and starts the lane above what it holds.
func (l *Lane) openMarks(d disk, name string) error {
	if name == "" {
		return nil
	}
	f, err := d.open(name)
	if err != nil {
		return l.fileError(err)
	}
	var torn error
	if f.found {
		var mark uint64
		if mark, err = readMark(f.data, l.key, l.unit); errors.Is(err, errTorn) {
			torn, err = err, nil
		}
		if err != nil {
			return errors.Join(l.fileError(err), f.lock.Close())
		}
		l.last = max(l.last, mark)
	}
	if l.last >= MaxNonce {
		return errors.Join(&ExhaustedError{Key: l.key, Last: l.last}, f.lock.Close())
	}
	l.marks = l.fileMarks(d, f, l.last)
	if torn != nil {
		l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: l.last, Ahead: l.aheadNow(), Err: l.fileError(torn)})
	}
	return nil
}

// fileMarks is the ceiling kept in the file, written ahead. floor is where the lane
// began: nonces up to it may or may not be used.
func (l *Lane) fileMarks(d disk, f openFile, floor uint64) *ceiling {
	write := func(mark uint64) error { return d.write(f.name, markText(mark, l.key, l.unit)) }
	return &ceiling{
		grant: func(last uint64) (grant, error) {
			mark := above(last, floor, l.ticks(block))
			return grant{mark, forGood}, write(mark)
		},
		end: func(last uint64) (err error) {
			if last > 0 {
				err = write(last)
			}
			return errors.Join(err, f.lock.Close())
		},
		failed: l.fileError, slow: errStalled, doing: "while its high-water file was written",
		lock: f.lock, shut: make(chan struct{}),
	}
}

// above returns the mark for a lane that has reached last: as far above last as the lane
// has come from floor, and at most a block. So a lane that begins ahead of the clock
// after a crash, and crashes again, moves the mark by only twice the nonces it used:
// repeated crashes do not drive it up. A lane that begins below the clock, as usual, gets
// a whole block.
func above(last, floor, block uint64) uint64 {
	return min(last+min(last-floor, block), MaxNonce)
}

// reportAhead emits an event, once, if the high-water file is far ahead of the clock.
func (l *Lane) reportAhead() {
	l.mu.Lock()
	last, ahead := l.last, l.aheadNow()
	l.mu.Unlock()
	l.emit(Event{Kind: EventHighWater, Key: l.key, Nonce: last, Ahead: ahead, Err: l.fileError(&farAheadError{last, ahead})})
}

// A farAheadError reports that the clock was wrong, or is.
type farAheadError struct {
	nonce uint64
	ahead time.Duration
}

func (e *farAheadError) Error() string {
	return fmt.Sprintf("it holds a nonce that is farther ahead of the clock than MaxAhead allows: %d, which is %v ahead. The lane "+
		"continues above it, and the API refuses nonces that anything else takes from the clock for this key. If the clock is behind, set it "+
		"right. If it was ahead when the file was written, keep the file, and let nothing else use this key until the clock has passed that "+
		"nonce, or ask for a new API key and give it its own file", e.nonce, e.ahead.Round(time.Second))
}

func (l *Lane) fileError(err error) error { return &fileError{l.key, err} }

// A fileError is an error of the high-water file. Its text holds a path and the system's
// error text.
type fileError struct {
	key string
	err error
}

func (e *fileError) Error() string {
	return fmt.Sprintf("nonce: key %q: high-water file: %v", e.key, e.err)
}

// SafeError returns the same text: it is safe to log.
func (e *fileError) SafeError() string { return e.Error() }

func (e *fileError) Unwrap() error { return e.err }
