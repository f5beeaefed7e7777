package retry

import (
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/proof"
	"github.com/nexpay-go/resilience/policy"
)

// tables are what errors mean and what is done about them. They never change; a
// [Retrier] may get others, and a call keeps those it began with.
type tables struct {
	classifier classify.Classifier
	catalog    *classify.Catalog // the classifier, if it is one
	answers    *classify.Catalog // says what they look like: that, or the catalog of the policies
	policies   *policy.Set
	unchosen   bool // all of it is the default: nobody has said what API this is

	timeout      time.Duration // of one attempt, 0: none
	timeoutCause error
}

// newTables takes the classifier of its caller's own, or the catalog of the
// policies, and defaults for what there is not.
func newTables(classifier classify.Classifier, policies *policy.Set) *tables {
	t := &tables{classifier: classifier, policies: policies, unchosen: classifier == nil && policies == nil}
	if t.policies == nil {
		t.policies = policy.Standard()
		if t.classifier == nil {
			t.policies = policy.Nexpay()
		}
	}
	switch {
	case t.classifier != nil:
	case t.policies.Catalog() != nil:
		t.classifier = t.policies.Catalog()
	default:
		t.classifier = classify.Nexpay()
	}
	t.catalog, _ = t.classifier.(*classify.Catalog)
	if t.answers = t.catalog; t.answers == nil {
		t.answers = t.policies.Catalog()
	}
	if t.timeout = t.policies.AttemptTimeout(); t.timeout > 0 {
		t.timeoutCause = &attemptTimeoutError{t.timeout}
	}
	return t
}

// check finds a catalog beside policies that are made for another: codes would mean one
// thing to the one and another thing to the other.
func (t *tables) check() error {
	of := t.policies.Catalog()
	if t.catalog == nil || of == nil || t.catalog == of || t.catalog.Name() == of.Name() {
		return nil
	}
	return fmt.Errorf("retry: Config.Classifier is the catalog %q, but Config.Policies are for the codes of %q: "+
		"put the catalog into the policies (policy.Table.Catalog) and leave Classifier nil", t.catalog.Name(), of.Name())
}

// affordable finds a price that even a full bucket cannot pay: every call would
// end with ErrBudget after its first failure, in the quietest of times.
func (t *tables) affordable(b *Budget) error {
	if b.capacity == 0 {
		return nil
	}
	return t.policies.Affordable(int(b.capacity))
}

// Reload puts other policies in the place of those the Retrier has, and with them
// their catalog, if they have one and Config.Classifier was nil. Calls under way
// go on with what they began with; breakers, budget, nonces, lockouts and
// [Retrier.Stats] stay as they are. An error changes nothing: there are no
// policies, or the budget cannot pay for what they cost.
//
// It is safe for concurrent use.
func (r *Retrier) Reload(policies *policy.Set) error {
	if policies == nil {
		return errors.New("retry: the policies to reload are nil; was the error of loading them checked?")
	}
	if r.tables == nil {
		return errZero
	}
	classifier := r.own
	if classifier == nil && policies.Catalog() == nil {
		classifier = r.tables.Load().classifier
	}
	t := newTables(classifier, policies)
	if err := errors.Join(t.check(), t.affordable(r.budget)); err != nil {
		return err
	}
	r.tables.Store(t)
	return nil
}

// judge says what an error asks for. Its parts are apart for the stack, see record.
//
//go:noinline
func (t *tables) judge(err error, v *classify.Verdict) {
	if t.catalog == nil {
		t.judgeByOther(err, v)
		return
	}
	t.judgeByCatalog(err, v)
	if _, answer := err.(*classify.Error); t.unchosen && !answer {
		t.strange(err, v)
	}
}

//go:noinline
func (t *tables) judgeByCatalog(err error, v *classify.Verdict) { *v = t.catalog.Classify(err) }

//go:noinline
func (t *tables) judgeByOther(err error, v *classify.Verdict) {
	*v = t.classifier.Classify(err)
	heed(err, v)
}

// Classify is judge, for [proof.Proof].
func (t *tables) Classify(err error) (v classify.Verdict) {
	t.judge(err, &v)
	return v
}

// proof is what it takes to believe that a failed send changed nothing.
func (t *tables) proof(noReplay bool, wire *proof.Wire) *proof.Proof {
	return &proof.Proof{Classifier: t, Catalog: t.catalog, NoReplay: noReplay, Wire: wire, Nested: isEnd}
}

// isEnd reports whether this one error is that of a call that ended.
func isEnd(err error) bool {
	_, ok := err.(*Error)
	return ok
}

// advice is what the rule for a code tells people to do, where a catalog knows.
func (t *tables) advice(code classify.Code) string {
	if t.catalog == nil {
		return ""
	}
	rule, _ := t.catalog.Lookup(code)
	return rule.Fix
}
