package retry

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"sync/atomic"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/gate"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
)

// A Config says how a [Retrier] classifies errors, what it does about them, and what its
// calls share. Every field is optional. The zero Config is for the Nexpay API, with
// operations that take their own nonces. (nexpay.Client does not: it needs Nonces.)
type Config struct {
	// Classifier classifies errors. It must be safe for concurrent use. Nil means the
	// catalog of Policies; without one, such as in policy.Standard(), no code has a meaning
	// and the HTTP status decides. If both Classifier and Policies are nil, it is
	// classify.Nexpay(), and as the API was not chosen, codes of errors that were not read
	// as answers are Unclassified. If Classifier is not a catalog, the catalog of Policies
	// still describes what answers look like, see [Retrier.Catalog]. A catalog here and a
	// different one in Policies is an error.
	Classifier classify.Classifier

	// Policies says what to do about each code. Nil means policy.Nexpay(), or
	// policy.Standard() if Classifier is set. To extend the built-in catalog and keep its
	// policies, set Policies to policy.Nexpay().With(policy.Table{Catalog: catalog}) and
	// leave Classifier nil.
	Policies *policy.Set

	// Breaker refuses calls while the API is failing. Nil means none. Share it between
	// retriers that call the same service.
	Breaker *breaker.Breaker

	// Breakers has a breaker for each part of the API that fails independently, by the name
	// given by [Endpoint]. Nil means that Breaker is for all calls. Only one of Breaker and
	// Breakers may be set. A group may be shared like a breaker.
	Breakers *breaker.Group

	// Lockout refuses all calls with a key that only a person can unlock. Nil means one
	// that belongs to the Retrier, see [Retrier.Lockout]. Share it between retriers that
	// use the same keys.
	Lockout *breaker.Lockout

	// Nonces gives each attempt a turn on an API key and a nonce: a *nonce.Lane or
	// *nonce.Pool. The context of the attempt carries the ticket, see nonce.FromContext.
	// Nil means that operations take their own nonces. A client that signs with the ticket
	// in its context, such as nexpay.Client, needs Nonces.
	Nonces nonce.Source

	// Key is the name of the API key if Nonces is nil, for lockouts. It is not the secret.
	// It may be empty if there is one key. At most 256 bytes of printable text.
	Key string

	// Budget limits the resends of all calls together. It must hold at least the price of
	// the most expensive resend in Policies. Nil means a default Budget that belongs to the
	// Retrier. Use [NoBudget] for none.
	Budget *Budget

	// Journal remembers [DoOnce] operations across crashes. Nil means that the guarantees
	// of DoOnce hold within one call. In addition this Retrier remembers, in memory, the last
	// 100,000 operations that it left in doubt: a later call for one of them runs Verify first.
	Journal Journal

	// ShowErrors shows the texts of the operation's own errors in errors, events and logs,
	// cut at 256 bytes. False means that only texts without request data are shown: those
	// of this module's errors, of the API's answers, of network errors, and of errors with
	// a method SafeError() string. A *url.Error is never shown as a whole, because its text
	// has the query.
	ShowErrors bool

	// OnEvent is called for every [Event], in the goroutine of the call. It must be safe
	// for concurrent use and should be quick. It must not make calls through the same
	// Retrier. A panic in it is recovered. Nil means no events. [LogEvents] returns one
	// that logs.
	OnEvent func(context.Context, Event)

	// OnCall is called once for every call when it has ended, also by a panic, and
	// OnAttempt for every attempt when it has ended. They are for metrics, under the same
	// rules as OnEvent. The turn on the key is held during OnAttempt if the attempt failed.
	// A nested call of the same Retrier is part of its attempt, and a lookup of DoOnce is
	// part of its call: neither is reported. Nil means no calls.
	OnCall    func(context.Context, Call)
	OnAttempt func(context.Context, Call)
}

// A Retrier runs operations under one configuration. Share it between all calls that use
// the same API and keys, because they must share its budget, breaker and lockout. It is
// safe for concurrent use, starts no goroutine and needs no closing.
type Retrier struct {
	tables     *atomic.Pointer[tables]
	own        classify.Classifier // of Config.Classifier
	breaker    *breaker.Breaker    // nil if there are breakers
	breakers   *breaker.Group
	lockout    *breaker.Lockout
	nonces     nonce.Source
	key        string
	budget     *Budget
	journal    Journal
	claims     *gate.Claims
	doubts     *doubts
	trouble    *atomic.Pointer[journalTrouble] // of the journal; nil: none
	unknown    *unknowns
	counts     *counts
	onEvent    func(context.Context, Event)
	onCall     func(context.Context, Call)
	onAttempt  func(context.Context, Call)
	showErrors bool

	locked  func(key string) error // lockout.Check as a method value
	nonceID any                    // nonces, if it is comparable
	lookups *lookupRooms
	reads   gate.Gate // of the journal
	ends    gate.Gate // written into it
	sends   gate.Gate // for payments
}

// New returns a Retrier. Its error lists everything that is wrong with the configuration.
func New(cfg Config) (*Retrier, error) {
	r := &Retrier{
		tables:     new(atomic.Pointer[tables]),
		own:        cfg.Classifier,
		breaker:    cfg.Breaker,
		breakers:   cfg.Breakers,
		lockout:    cfg.Lockout,
		nonces:     cfg.Nonces,
		key:        cfg.Key,
		budget:     cfg.Budget,
		journal:    cfg.Journal,
		claims:     new(gate.Claims),
		doubts:     new(doubts),
		trouble:    new(atomic.Pointer[journalTrouble]),
		lookups:    newLookupRooms(cfg.Nonces != nil),
		unknown:    new(unknowns),
		counts:     new(counts),
		onEvent:    cfg.OnEvent,
		onCall:     cfg.OnCall,
		onAttempt:  cfg.OnAttempt,
		showErrors: cfg.ShowErrors,
	}
	r.defaults()
	t := newTables(cfg.Classifier, cfg.Policies)
	if err := errors.Join(cfg.check(), t.check(), t.affordable(r.budget)); err != nil {
		return nil, err
	}
	r.tables.Store(t)
	return r, nil
}

func (cfg *Config) check() error {
	var errs []error
	if cfg.Nonces != nil && cfg.Key != "" {
		errs = append(errs, errors.New("retry: Config.Key names the key where Nonces is nil, but Nonces is set and names its own"))
	}
	if text.Line(cfg.Key) != cfg.Key { // it may be a misplaced secret, so it is not repeated
		errs = append(errs, fmt.Errorf("retry: Config.Key is longer than %d bytes, or not printable", text.Most))
	}
	if cfg.Breaker != nil && cfg.Breakers != nil {
		errs = append(errs, errors.New("retry: Config.Breaker is for all calls and Config.Breakers for each endpoint: only one of them can be set"))
	}
	// A nil pointer in an interface would otherwise panic in the first call.
	if cfg.Nonces == nonce.Source((*nonce.Lane)(nil)) {
		errs = append(errs, errors.New("retry: Config.Nonces is a nil *nonce.Lane; was the error of NewLane checked?"))
	}
	if cfg.Nonces == nonce.Source((*nonce.Pool)(nil)) {
		errs = append(errs, errors.New("retry: Config.Nonces is a nil *nonce.Pool; was the error of NewPool checked?"))
	}
	if cfg.Classifier == classify.Classifier((*classify.Catalog)(nil)) {
		errs = append(errs, errors.New("retry: Config.Classifier is a nil *classify.Catalog; was the error of NewCatalog checked?"))
	}
	return errors.Join(errs...)
}

func (r *Retrier) defaults() {
	if r.lockout == nil {
		r.lockout = new(breaker.Lockout)
	}
	r.locked = r.lockout.Check
	if r.nonces != nil && reflect.TypeOf(r.nonces).Comparable() {
		r.nonceID = r.nonces
	}
	if r.budget == nil {
		r.budget = newBudget()
	}
}

// Lockout returns the lockout of the calls through r: Config.Lockout, or r's own. Use it to
// unlock a key after a person has dealt with the cause.
func (r *Retrier) Lockout() *breaker.Lockout { return r.lockout }

// Catalog returns the catalog that classifies errors and describes answers now, see
// [Retrier.Reload]. If Config.Classifier is not a catalog, it is the catalog of the
// policies, which then only describes answers, or nil if they have none.
func (r *Retrier) Catalog() *classify.Catalog { return r.inForce().answers }

// Policies returns the policies in force now, see [Retrier.Reload].
func (r *Retrier) Policies() *policy.Set { return r.inForce().policies }

// inForce returns the current tables. Those of the zero Retrier are empty.
func (r *Retrier) inForce() *tables {
	if r.tables == nil {
		return new(tables)
	}
	return r.tables.Load()
}

// Breaker returns Config.Breaker, nil if there is none.
func (r *Retrier) Breaker() *breaker.Breaker { return r.breaker }

// Breakers returns Config.Breakers, nil if there are none.
func (r *Retrier) Breakers() *breaker.Group { return r.breakers }

// Key returns Config.Key, which is empty where Nonces is set.
func (r *Retrier) Key() string { return r.key }

// Journal returns Config.Journal, nil if there is none.
func (r *Retrier) Journal() Journal { return r.journal }

// Nonces returns Config.Nonces, nil if there are none.
func (r *Retrier) Nonces() nonce.Source { return r.nonces }

// onlyKey returns the key of all attempts. It returns false if there may be several.
func (r *Retrier) onlyKey() (key string, ok bool) {
	if r.nonces == nil {
		return r.key, true
	}
	if lane, ok := r.nonces.(*nonce.Lane); ok {
		return lane.Key(), true
	}
	return "", false
}

// Budget returns the budget of the calls through r.
func (r *Retrier) Budget() *Budget { return r.budget }
