package nonce

import (
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
)

// reserved is the ceiling that somebody else grants.
func (l *Lane) reserved(reserve func(upTo uint64) (uint64, time.Time, error)) *ceiling {
	return &ceiling{
		grant: func(last uint64) (got grant, err error) {
			var until time.Time
			err = errNoReturn
			hook.Call("nonce.LaneConfig.Reserve", func() { got.mark, until, err = reserve(last) })
			if err == nil && got.mark < last {
				err = mistake(fmt.Sprintf("it granted %d where %d was asked for", got.mark, last))
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

// errNoReturn is of a Reserve that panicked or ended its goroutine: it has granted nothing.
var errNoReturn error = &sentinel{"it panicked or called runtime.Goexit"}

// A reserveError is one of LaneConfig.Reserve. It shows what vouches for its own text.
type reserveError struct {
	key string
	err error
}

func (e *reserveError) Error() string {
	said := fmt.Sprintf("an error of type %T, which is not shown (with a method SafeError() string it is)", e.err)
	if safe, ok := errors.AsType[interface {
		error
		SafeError() string
	}](e.err); ok {
		said = text.Line(safe.SafeError())
	}
	return fmt.Sprintf("nonce: key %q: Reserve: %s", e.key, said)
}

// SafeError says that this text is fit to be logged.
func (e *reserveError) SafeError() string { return e.Error() }

func (e *reserveError) Unwrap() error { return e.err }
