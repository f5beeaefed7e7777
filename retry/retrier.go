package retry

import (
	"context"
	"errors"
	"reflect"
	"sync/atomic"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/gate"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/policy"
)

// Config says how a [Retrier] judges errors and what it shares between calls.
// Every field is optional; the zero Config is right for the Nexpay API where
// the operation draws its own nonces, which nexpay.Client does not.
type Config struct {
	// Classifier says what an error asks for. Nil: the catalog of Policies, if
	// it has one, or classify.Nexpay(). Where both are nil nobody has said what API
	// this is: codes of errors that were not read as answers are then Unclassified. One
	// that is no catalog leaves it to that of Policies to say what answers look like,
	// see Retrier.Catalog. A catalog beside Policies with another one is refused. It must be safe for concurrent use.
	Classifier classify.Classifier

	// Policies says what to do about it. Nil: policy.Nexpay(), or
	// policy.Standard() beside a Classifier of your own. A catalog that extends
	// the built-in one is of your own: to keep the policies that go with that, put
	// it into them, policy.Nexpay().With(policy.Table{Catalog: catalog}), and
	// leave Classifier nil.
	Policies *policy.Set

	// Breaker refuses calls while the API is failing. Nil: none. Share one
	// between retriers that call the same service.
	Breaker *breaker.Breaker

	// Breakers keeps a breaker for each part of the API that fails by itself, by
	// the name that [Endpoint] gives. Nil: Breaker is for all calls. Only one of
	// the two may be set. A group may be shared as a breaker may.
	Breakers *breaker.Group

	// Lockout keeps all calls off a key that only a person can unlock. Nil: one
	// of the Retrier's own, see [Retrier.Lockout]. Share one between retriers
	// that use the same keys.
	Lockout *breaker.Lockout

	// Nonces gives each attempt its turn on a key and its nonce: a *nonce.Lane
	// or *nonce.Pool. The attempt's context carries the ticket, see
	// nonce.FromContext. Nil: the operation draws its own nonces; a client that
	// signs with the ticket in its context, as nexpay.Client does, cannot.
	Nonces nonce.Source

	// Key names the API key where Nonces is nil, for lockouts. It is never the
	// secret. Empty is a fine name if there is one key.
	Key string

	// Budget bounds what all calls together resend. It must hold what the
	// most expensive resend of Policies costs. Nil: a default one of the Retrier's own.
	// [NoBudget]: none.
	Budget *Budget

	// Journal remembers [DoOnce] operations across crashes. Nil: what is said
	// of an operation holds for that one call.
	Journal Journal

	// ShowErrors shows in texts, events and logs what errors of the operation's own
	// say, cut at 256 bytes. False: only what cannot hold request data is shown, which
	// is what errors of this module, of an API's answer and of the network say, and any
	// error that vouches for its text by a method SafeError() string. A *url.Error is
	// never shown whole: it holds the query.
	ShowErrors bool

	// OnEvent is told of every resend and every end that matters, from the
	// goroutine of the call: it should be quick and must be safe for concurrent
	// use. It must not call through the same Retrier. A panic in it is
	// contained. Nil: nobody is told. [LogEvents] makes a ready one.
	OnEvent func(context.Context, Event)

	// OnCall is told of every call once, when it has ended, also by a panic; OnAttempt of every attempt, when it
	// has ended: for metrics. Both under the same terms as OnEvent, OnAttempt with
	// the turn on the key in hand where the attempt failed. A call inside an attempt of the same
	// Retrier is part of that attempt, and a lookup of DoOnce is part of its call. Nil: nobody is told.
	OnCall    func(context.Context, Call)
	OnAttempt func(context.Context, Call)
}

// A Retrier runs operations under one configuration. Share it between all
// calls that use the same API and keys: that is what makes its budget, breaker and lockout work. It is safe
// for concurrent use, starts no goroutine and needs no closing.
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
	unknown    *unknowns
	counts     *counts
	onEvent    func(context.Context, Event)
	onCall     func(context.Context, Call)
	onAttempt  func(context.Context, Call)
	showErrors bool

	locked  func(key string) error // lockout.Check, bound once
	nonceID any                    // nonces, if it can be compared
	lookups *gate.Keyed[lookupRoom]
	reads   gate.Gate // of the journal
	ends    gate.Gate // written into it
	sends   gate.Gate // for payments
}

// New returns a Retrier. Its error tells everything that is wrong with the
// configuration.
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
		lookups:    new(gate.Keyed[lookupRoom]),
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
	if cfg.Breaker != nil && cfg.Breakers != nil {
		errs = append(errs, errors.New("retry: Config.Breaker is for all calls and Config.Breakers for each endpoint: only one of them can be set"))
	}
	if reason := nilPointer(cfg.Nonces, cfg.Classifier); reason != "" {
		errs = append(errs, errors.New("retry: "+reason))
	}
	return errors.Join(errs...)
}

// nilPointer finds the classic mistake of a nil pointer in an interface, which would
// panic in the first call rather than here.
func nilPointer(n nonce.Source, c classify.Classifier) string {
	switch n := n.(type) {
	case *nonce.Lane:
		if n == nil {
			return "Config.Nonces is a nil *nonce.Lane; was the error of NewLane checked?"
		}
	case *nonce.Pool:
		if n == nil {
			return "Config.Nonces is a nil *nonce.Pool; was the error of NewPool checked?"
		}
	}
	if c, ok := c.(*classify.Catalog); ok && c == nil {
		return "Config.Classifier is a nil *classify.Catalog; was the error of NewCatalog checked?"
	}
	return ""
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

// Lockout returns the lockout that calls through r obey, the configured one or r's own. A
// person who has dealt with what locked a key ends it there.
func (r *Retrier) Lockout() *breaker.Lockout { return r.lockout }

// Catalog returns the catalog that errors are judged by now, see [Retrier.Reload], and
// that says what answers look like. Where Config.Classifier is none, it is that of the
// policies, nil if they have none: it says what answers look like all the same.
func (r *Retrier) Catalog() *classify.Catalog { return r.inForce().answers }

// Policies returns the policies in force now, see [Retrier.Reload].
func (r *Retrier) Policies() *policy.Set { return r.inForce().policies }

// inForce returns the tables of now, those of the zero Retrier are empty.
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

// onlyKey returns the key that every attempt goes out with, false where there
// may be several.
func (r *Retrier) onlyKey() (key string, ok bool) {
	if r.nonces == nil {
		return r.key, true
	}
	if lane, ok := r.nonces.(*nonce.Lane); ok {
		return lane.Key(), true
	}
	return "", false
}

// Budget returns the budget that calls through r draw from.
func (r *Retrier) Budget() *Budget { return r.budget }
