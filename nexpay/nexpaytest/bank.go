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
	Keys []Key  // at least one; the IDs must differ
	Seed uint64 // for trace ids and for rules with a Share; the same seed and requests give the same answers

	SpendRefused     bool // a nonce is used up even if the signature is wrong; not known of the real bank
	RefuseDuplicates bool // a known externalPaymentId is refused (30000) instead of paid again
	NumberIDs        bool // paymentId is a JSON number, as on some of the vendor's pages, instead of text
	EncodedQuery     bool // a query may also be signed as it was sent, encoded

	// AnyFields makes the bank accept a new payment with any fields in any order, to
	// test a client of another API. false: a new payment must have the vendor's
	// fields in the vendor's order, see [nexpay.Order].
	AnyFields bool

	// UnknownPayment is the answer for a payment that does not exist, which the
	// vendor does not document. Of its fields only Status, Code, Message, Data,
	// Errors, HTML and Body are used. Zero: 404 with code 30000.
	UnknownPayment Fault

	Idempotency Idempotency // zero: the bank ignores idempotency keys
}

// A Bank is a test double of the Nexpay API. All methods are safe for concurrent use.
// The methods that configure it (Script, AddRule, AddRoute, SetState, SetLastNonce)
// panic on an argument that can only be a mistake in the test.
//
// In a synctest bubble, create the bank inside the bubble.
type Bank struct {
	config Config
	closed chan struct{}  // closed by Close
	busy   sync.WaitGroup // the requests being served; incremented with mu held and over false

	mu       sync.Mutex // guards all below; never held while the user's code runs
	routes   map[string]route
	keys     map[string]*Key
	ledger   ledger
	kept     map[keptName]*kept
	log      []Request
	script   []Fault
	rules    []*rule // replaced, never changed in place
	ruleSeed uint64
	traces   uint64
	stops    []func() // what Close must stop; nil after it
	over     bool
}

// New returns a bank, or an error that lists everything wrong with the Config.
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
	c.Keys = nil // the copies in keys are used
	return &Bank{
		config: c, closed: make(chan struct{}), routes: maps.Clone(routes), keys: keys, kept: make(map[keptName]*kept),
	}, nil
}

// NewKeyed returns a bank with one enabled key, and its credentials. Most tests need
// no more.
func NewKeyed() (*Bank, nexpay.Credentials) {
	k := Key{ID: "test-key", Secret: "test-secret", PaymentSecret: "test-payment-secret"}
	b, err := New(Config{Keys: []Key{k}})
	if err != nil {
		panic(err) // cannot happen: the key is valid
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

// SetLastNonce makes the bank refuse the key's nonces up to n, as if another client
// had used them. It may also lower the last nonce. It panics if there is no such key.
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

// Close ends every hanging request, stops the servers that Start started, and waits
// for both. It must therefore not be called from a Rule's Match. A closed bank resets
// every further request.
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
