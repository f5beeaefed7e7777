package nexpaytest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// Script adds to the faults of the next requests: one each, in order of
// arrival; a zero Fault lets one pass. Rules wait until the script is played. It
// panics on a fault that cannot be sent, such as Status 42.
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

// ScriptLeft returns how many steps of the script are yet to be played.
func (b *Bank) ScriptLeft() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.script)
}

// A Rule gives a fault to every request that it picks. The conditions that are
// set must all hold; a Rule without any picks every request.
type Rule struct {
	Path  string             // exactly this one
	Key   string             // this key ID
	Match func(Request) bool // asked without a lock held; it may use the bank, and must be safe for concurrent use. Only what is known on arrival is filled in

	Share float64 // of the requests picked, at random by Config.Seed: 0.2 is a fifth. Zero: all
	Times int     // the rule ends after so many faults; 0: never
	Fault Fault
}

// AddRule puts the rule behind those already there; the first that picks a
// request gives it its fault. remove ends it; it may be called at any time, and
// more than once. AddRule panics on a rule that can never hold: a fault that
// cannot be sent, a Share outside [0, 1], a negative Times.
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
	b.ruleSeed++ // a stream of its own for each: removing one does not change the draws of another
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

// rule is a Rule at work.
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

// fault finds the fault of a request that has just arrived.
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

// draw decides for a request that the rule picks.
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
