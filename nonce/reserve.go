package nonce

import (
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
)

// reserved is the ceiling that LaneConfig.Reserve grants.
func (l *Lane) reserved(reserve func(upTo uint64) (uint64, time.Time, error)) *ceiling {
	return &ceiling{
		grant: func(last uint64) (got grant, err error) {
			var until time.Time
			err = errNoReturn
			hook.Call("nonce.LaneConfig.Reserve", func() { got.mark, until, err = reserve(last) })
			if err == nil && got.mark < last {
				err = mistake(fmt.Sprintf("it granted %d, less than the %d requested", got.mark, last))
			}
			if got.until = forGood; !until.IsZero() {
				got.until = until.Sub(epoch)
			}
			return got, err
		},
		failed: func(err error) error { return &reserveError{l.key, err} },
		slow:   &sentinel{"it has not answered yet"},
		doing:  "while its nonces were reserved",
		shut:   make(chan struct{}),
	}
}

// errNoReturn is the error for a Reserve that panicked or ended its goroutine.
var errNoReturn error = &sentinel{"it panicked or called runtime.Goexit"}

// A reserveError is an error of LaneConfig.Reserve. It shows the text only of an error
// with a SafeError method.
type reserveError struct {
	key string
	err error
}

func (e *reserveError) Error() string {
	shown := fmt.Sprintf("an error of type %T, whose text is hidden because it has no method SafeError() string", e.err)
	if safe, ok := errors.AsType[interface {
		error
		SafeError() string
	}](e.err); ok {
		shown = text.Line(safe.SafeError())
	}
	return fmt.Sprintf("nonce: key %q: Reserve: %s", e.key, shown)
}

// SafeError returns the same text: it is safe to log.
func (e *reserveError) SafeError() string { return e.Error() }

func (e *reserveError) Unwrap() error { return e.err }
