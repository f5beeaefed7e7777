package switchboard

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/text"
)

// Bounds and defaults of a [Config].
const (
	defaultPoll = 250 * time.Millisecond
	minPoll     = 10 * time.Millisecond
	maxPoll     = time.Minute
	firstPoll   = time.Second // limit of one access to the store, also in New and Close
)

// Config configures a [Board]. Store and Lockout are required.
type Config struct {
	// Store is shared by all processes.
	Store Store

	// Lockout is the Retrier's: see retry.Retrier.Lockout.
	Lockout *breaker.Lockout

	// Breakers returns the breaker with a name that a process has isolated or reset: the
	// Get of a breaker.Group, or a function for a few breakers. If it returns nil, it is
	// called again after the next poll. Nil means that there are no breakers.
	Breakers func(name string) *breaker.Breaker

	// Process names this process for humans, in lockouts that other processes report; at
	// most 256 bytes. Unprintable characters are stripped. Empty means a random name.
	Process string

	// Poll is the interval at which the store is read. Zero means 250 ms; it must be
	// between 10 ms and a minute.
	Poll time.Duration

	// OnEvent, if not nil, is called when the store stops answering, and when it answers
	// again, one event after another.
	OnEvent func(Event)
}

// An Event reports the state of the store. Fields may be added.
type Event struct {
	Gone bool          // true: it stopped answering; false: it answers again
	For  time.Duration // if not Gone: how long it did not answer
	Err  error         // if Gone: why; its text may contain the driver's
}

// LogValue returns the fields as a group, with the text of Err.
func (e Event) LogValue() slog.Value {
	attrs := append(make([]slog.Attr, 0, 3), slog.Bool("gone", e.Gone))
	if e.For != 0 {
		attrs = append(attrs, slog.Duration("for", e.For))
	}
	if e.Err != nil {
		attrs = append(attrs, slog.String("error", e.Err.Error()))
	}
	return slog.GroupValue(attrs...)
}

func (c Config) resolve() (Config, error) {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("switchboard: Config."+format, args...))
	}
	if c.Store == nil {
		wrong("Store is required")
	}
	if c.Lockout == nil {
		wrong("Lockout is required: use the one of retry.Retrier.Lockout")
	}
	if c.Poll == 0 {
		c.Poll = defaultPoll
	}
	if c.Poll < minPoll || c.Poll > maxPoll {
		wrong("Poll %v is not between %v and %v", c.Poll, minPoll, maxPoll)
	}
	if len(c.Process) > 256 {
		wrong("Process is %d bytes long, more than 256", len(c.Process))
	}
	if c.Process == "" {
		c.Process = rand.Text()
	}
	c.Process = text.Line(c.Process)
	return c, errors.Join(errs...)
}
