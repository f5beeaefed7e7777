package nexpaytest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Script appends faults for the next requests, one each in order of arrival. A zero
// Fault does nothing. Rules apply once the script is finished. Script panics on a
// fault that cannot be sent, such as Status 42.
func (b *Bank) Script(faults ...Fault) {
	for i := range faults {
		if err := faults[i].check(); err != nil {
			panic(fmt.Errorf("nexpaytest: fault %d of the script: %w", i+1, err))
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.script = append(b.script, faults...)
}

// ScriptLeft returns the number of faults in the script that are still to be used.
func (b *Bank) ScriptLeft() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.script)
}

// A Rule applies a fault to every request that it selects. All conditions that are
// set must hold; a Rule without conditions selects every request.
type Rule struct {
	Path string // exactly this path
	Key  string // this key ID
	// Match is called without a lock held, may use the bank, and must be safe for
	// concurrent use. The Request has only what is known on arrival.
	Match func(Request) bool

	Share float64 // of the selected requests, chosen at random by Config.Seed: 0.2 is a fifth. Zero: all
	Times int     // the rule ends after this many faults; 0: never
	Fault Fault
}

// AddRule adds the rule after the existing ones; the first rule that selects a
// request gives it its fault. remove ends the rule; it may be called at any time, and
// more than once. AddRule panics on an invalid rule: a fault that cannot be sent, a
// Share outside [0, 1], a negative Times.
//
// An outage is a rule without conditions:
//
//	end := bank.AddRule(nexpaytest.Rule{Fault: nexpaytest.Fault{HTML: true}})
//	…
//	end()
func (b *Bank) AddRule(r Rule) (remove func()) {
	if err := r.check(); err != nil {
		panic(err)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ruleSeed++ // each rule has its own random stream: removing one does not change another
	added := &rule{Rule: r, random: rand.New(rand.NewPCG(b.config.Seed, b.ruleSeed))}
	b.rules = append(slices.Clip(b.rules), added)
	return func() { b.drop(added) }
}

func (r *Rule) check() error {
	errs := []error{r.Fault.check()}
	if !(r.Share >= 0 && r.Share <= 1) {
		errs = append(errs, errors.New("nexpaytest: Rule.Share is not between 0 and 1"))
	}
	if r.Times < 0 {
		errs = append(errs, errors.New("nexpaytest: Rule.Times is negative"))
	}
	return errors.Join(errs...)
}

// A rule is a Rule in use.
type rule struct {
	Rule
	random *rand.Rand // guarded by Bank.mu, as are the others
	given  int
	over   bool
}

func (b *Bank) drop(r *rule) {
	b.mu.Lock()
	defer b.mu.Unlock()
	r.over = true
	b.rules = slices.DeleteFunc(slices.Clone(b.rules), func(other *rule) bool { return other == r })
}

// fault returns the fault of a request that has just arrived.
func (b *Bank) fault(req Request) Fault {
	b.mu.Lock()
	if len(b.script) > 0 {
		f := b.script[0]
		b.script = b.script[1:]
		b.mu.Unlock()
		return f
	}
	rules := b.rules
	b.mu.Unlock()
	for _, r := range rules {
		if r.picks(req) && b.draw(r) {
			return r.Fault
		}
	}
	return Fault{}
}

func (r *rule) picks(req Request) bool {
	return (r.Path == "" || r.Path == req.Path) && (r.Key == "" || r.Key == req.Key) && (r.Match == nil || r.Match(req))
}

// draw reports whether the rule applies its fault to a request that it selects.
func (b *Bank) draw(r *rule) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case r.over || r.Times > 0 && r.given >= r.Times:
		return false
	case r.Share > 0 && r.random.Float64() >= r.Share:
		return false
	}
	r.given++
	return true
}
