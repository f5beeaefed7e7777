package resiliencedebug

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/retry"
)

// Config says what the page shows. Retriers or Breakers is required.
type Config struct {
	// Title is the heading of the page. It should name the program and the place, such
	// as "payouts eu-1". Empty: "resilience".
	Title string

	// Retriers are shown with their breakers, keys, budget, journal and policies, each
	// under a name for people, which the page calls the API: "nexpay". What several of
	// them share is shown once. What a Retrier does not have is left out.
	//
	// Keys are those of a *nonce.Lane, a *nonce.Pool, or any other nonce source with a
	// method Lanes() []nonce.Stats, as keylease.Leases has; and those that are locked.
	Retriers map[string]*retry.Retrier

	// Breakers are shown beside those of Retriers, by a name for people. Nil: none.
	Breakers map[string]*breaker.Breaker

	// Settle is the longest Operation.Settle of the operations in the journals, which do
	// not store it. It determines when a lookup becomes conclusive. Zero: 40 s, the
	// default of an Operation.
	Settle time.Duration

	// Actions lets people act from the page. Nil: the page only shows.
	Actions *Actions
}

// Actions are what people may do from the page: unlock a key, isolate a breaker, reset
// it. An action is a POST from a page that says what it will do. A POST from another site
// is refused, and so is one whose target has changed since that page was shown.
type Actions struct {
	// Who returns the name of the person who makes the request, as your login knows it.
	// An empty name refuses the action. Required. It may be called concurrently. Without a
	// login, for example on loopback, it must check the Host: another site may have its
	// own name resolve to this address.
	Who func(*http.Request) string

	// OnAction is called for each action that was done, for an audit log. It may be called
	// concurrently, and a panic in it is contained. Nil: slog.Default() logs a line at
	// level Warn.
	OnAction func(context.Context, Action)

	// Boards inform other processes of what is done to breakers, by the name of the Retrier
	// that has the breakers. A *switchboard.Board is a Board. Without one a breaker is
	// isolated or reset in this process only. (The board that watches a Lockout passes on
	// that a key was unlocked.)
	Boards map[string]Board
}

// A Board isolates and resets breakers by name in all processes: those of a
// breaker.Group by their name in it, any other by its Config.Name.
type Board interface {
	Isolate(breaker, reason string)
	Reset(breaker string)
}

// An Action is what a person has done from the page. Fields may be added.
type Action struct {
	Kind    string // "unlock", "isolate" or "reset"
	Retrier string // the name in Config.Retriers; empty for one of Config.Breakers
	Name    string // of the key or the breaker
	Reason  string // "isolate": what the person gave as the reason
	Who     string // what Actions.Who returned
	At      time.Time
}

// New returns the page. It is safe for concurrent use, and answers GET, HEAD, and POST
// if there are Actions, whatever its path. Journals are listed in goroutines of their
// own, at most one for each journal, and at most once a second however many people
// look. A request waits at most a second for a journal that does not answer. The error
// lists everything that is wrong with cfg.
func New(cfg Config) (http.Handler, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	p := &page{
		title:    cmp.Or(text.Line(cfg.Title), "resilience"),
		names:    slices.Sorted(maps.Keys(cfg.Retriers)),
		retriers: maps.Clone(cfg.Retriers),
		breakers: maps.Clone(cfg.Breakers),
		settle:   cmp.Or(cfg.Settle, defaultSettle),
	}
	if cfg.Actions != nil {
		p.actions = &Actions{cfg.Actions.Who, cfg.Actions.OnAction, maps.Clone(cfg.Actions.Boards)}
	}
	p.journals = p.findJournals()
	return p, nil
}

func (cfg *Config) check() error {
	var errs []error
	wrong := func(format string, args ...any) {
		errs = append(errs, fmt.Errorf("resiliencedebug: "+format, args...))
	}
	if len(cfg.Retriers) == 0 && len(cfg.Breakers) == 0 {
		wrong("nothing to show: set Config.Retriers or Config.Breakers")
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Retriers)) {
		if fault := badName(name, cfg.Retriers[name] == nil); fault != "" {
			wrong("Config.Retriers[%q]: %s", name, fault)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Breakers)) {
		if fault := badName(name, cfg.Breakers[name] == nil); fault != "" {
			wrong("Config.Breakers[%q]: %s", name, fault)
		}
	}
	if cfg.Settle < 0 {
		wrong("Config.Settle %v is negative", cfg.Settle)
	}
	return errors.Join(append(errs, cfg.Actions.check(cfg)...)...)
}

func (a *Actions) check(cfg *Config) (errs []error) {
	if a == nil {
		return nil
	}
	if a.Who == nil {
		errs = append(errs, errors.New("resiliencedebug: Actions.Who is required"))
	}
	for _, name := range slices.Sorted(maps.Keys(a.Boards)) {
		switch r, ok := cfg.Retriers[name]; {
		case a.Boards[name] == nil:
			errs = append(errs, fmt.Errorf("resiliencedebug: Actions.Boards[%q] is nil", name))
		case !ok:
			errs = append(errs, fmt.Errorf("resiliencedebug: Actions.Boards[%q]: Config.Retriers has no such name", name))
		case r != nil && r.Breaker() == nil && r.Breakers() == nil:
			errs = append(errs, fmt.Errorf("resiliencedebug: Actions.Boards[%q]: that Retrier has no breakers", name))
		}
	}
	return errs
}

// badName returns what is wrong with an entry of Retriers or Breakers.
func badName(name string, isNil bool) string {
	switch {
	case isNil:
		return "nil; check the error of New"
	case name == "":
		return "the name is empty"
	case text.Line(name) != name:
		return "the name is longer than 256 bytes or not printable"
	}
	return ""
}
