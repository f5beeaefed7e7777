package nexpaytest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/nexpay-go/resilience/nexpay"
)

// Config describes a bank.
type Config struct {
	Keys []Key  // at least one, each with an ID of its own
	Seed uint64 // of trace ids and of rules with a Share; the same seed and requests, the same answers

	SpendRefused     bool // a nonce is used up even if the signature turns out wrong; unknown of the real bank
	RefuseDuplicates bool // a known externalPaymentId is refused (30000) instead of being paid again
	NumberIDs        bool // paymentId is a JSON number, as on some of the vendor's pages, instead of text
	EncodedQuery     bool // a query may also be signed as it was sent, encoded

	// AnyFields has a new payment take any fields in any order, as to test another
	// API. Otherwise it has the vendor's in the vendor's order, see [nexpay.Order].
	AnyFields bool

	// UnknownPayment answers for a payment that does not exist, which the
	// vendor does not document. Its delays and losses are not used. Zero: 404
	// with code 30000.
	UnknownPayment Fault

	Idempotency Idempotency // idempotency keys, which the bank otherwise does not look at
}

// A Bank is a test double of the Nexpay API. All methods are safe for
// concurrent use. Those that set the stage (Script, AddRule, AddRoute,
// SetState, SetLastNonce) panic on what can only be a mistake in the test.
//
// In a synctest bubble, make the bank inside the bubble.
type Bank struct {
	config Config
	closed chan struct{}  // closed by Close
	busy   sync.WaitGroup // the requests being served; counted up with mu held and over false

	mu       sync.Mutex // guards all below; never held while code of the user runs
	routes   map[string]route
	keys     map[string]*Key
	ledger   ledger
	kept     map[keptName]*kept
	log      []Request
	script   []Fault
	rules    []*rule // replaced, never changed in place
	ruleSeed uint64
	traces   uint64
	stops    []func() // what Close has to stop; nil after it
	over     bool
}

// New opens a bank, or returns an error that lists everything wrong with the
// Config.
func New(c Config) (*Bank, error) {
	var errs []error
	keys := make(map[string]*Key)
	if len(c.Keys) == 0 {
		errs = append(errs, errors.New("nexpaytest: Config.Keys is empty"))
	}
	for i, k := range c.Keys {
		if _, err := nexpay.NewSigner(k.Credentials()); err != nil {
			errs = append(errs, fmt.Errorf("nexpaytest: Config.Keys[%d]: %w", i, err))
		}
		if err := k.State.check(); err != nil {
			errs = append(errs, fmt.Errorf("nexpaytest: Config.Keys[%d]: %w", i, err))
		}
		if keys[k.ID] != nil {
			errs = append(errs, fmt.Errorf("nexpaytest: Config.Keys[%d]: an earlier one has the same ID", i))
		}
		k.Forbidden = slices.Clone(k.Forbidden)
		if k.Account == "" {
			k.Account = defaultAccount
		}
		keys[k.ID] = &k
	}
	if err := c.UnknownPayment.check(); err != nil {
		errs = append(errs, fmt.Errorf("nexpaytest: Config.UnknownPayment: %w", err))
	}
	if err := c.Idempotency.check(); err != nil {
		errs = append(errs, err)
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	c.Idempotency.fill()
	if !c.UnknownPayment.replaces() {
		c.UnknownPayment = Fault{Status: 404, Code: codeRequest, Data: "payment not found"}
	}
	c.Keys = nil // the copies in keys are the ones that live
	return &Bank{
		config: c, closed: make(chan struct{}), routes: maps.Clone(routes), keys: keys, kept: make(map[keptName]*kept),
	}, nil
}

// NewKeyed opens a bank with one enabled key, and returns what it takes to use
// it: all that most tests need.
func NewKeyed() (*Bank, nexpay.Credentials) {
	k := Key{ID: "test-key", Secret: "test-secret", PaymentSecret: "test-payment-secret"}
	b, err := New(Config{Keys: []Key{k}})
	if err != nil {
		panic(err) // cannot be: the key is good
	}
	return b, k.Credentials()
}

// SetState changes the state of a key. It panics if there is no such key or
// state.
func (b *Bank) SetState(keyID string, s State) {
	if err := s.check(); err != nil {
		panic(err)
	}
	b.changeKey(keyID, func(k *Key) { k.State = s })
}

// SetLastNonce has the bank refuse the key's nonces up to n, as if another
// client had used them; it can also take them back. It panics if there is no
// such key.
func (b *Bank) SetLastNonce(keyID string, n uint64) {
	b.changeKey(keyID, func(k *Key) { k.LastNonce = n })
}

func (b *Bank) changeKey(id string, change func(*Key)) {
	b.mu.Lock()
	k := b.keys[id]
	if k != nil {
		change(k)
	}
	b.mu.Unlock()
	if k == nil {
		panic(fmt.Sprintf("nexpaytest: the bank has no key %q", id))
	}
}

// Close ends every hanging request, stops what Start started and waits for
// both, so it must not be called from a Rule's Match. A bank that is closed breaks off every further request.
func (b *Bank) Close() {
	b.mu.Lock()
	stops := b.stops
	b.stops = nil
	if !b.over {
		b.over = true
		close(b.closed)
	}
	b.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	b.busy.Wait()
}
