package retry

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/proof"
	"github.com/nexpay-go/resilience/policy"
)

// A tables value says what errors mean and what to do about them. It never changes.
// [Retrier.Reload] replaces it, and a call keeps the one it began with.
type tables struct {
	classifier classify.Classifier
	catalog    *classify.Catalog // the classifier, if it is one
	answers    *classify.Catalog // describes answers: the catalog, or that of the policies
	policies   *policy.Set
	unchosen   bool // all defaults: the API was not chosen

	timeout      time.Duration // of one attempt, 0: none
	timeoutCause error
}

// newTables uses the given classifier, or the catalog of the policies, and defaults for
// what is nil.
func newTables(classifier classify.Classifier, policies *policy.Set) *tables {
	t := &tables{classifier: classifier, policies: policies, unchosen: classifier == nil && policies == nil}
	if t.policies == nil {
		t.policies = policy.Standard()
		if t.classifier == nil {
			t.policies = policy.Nexpay()
		}
	}
	if t.classifier == nil {
		t.classifier = cmp.Or(t.policies.Catalog(), new(classify.Catalog))
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

// check returns an error if the policies are empty, or if the catalog and the policies are
// for different APIs, because a code would have two meanings.
func (t *tables) check() error {
	if t.policies.For(classify.Verdict{}).MaxElapsed == 0 { // which every compiled Set has
		return errors.New("retry: Config.Policies is the zero policy.Set; make one with policy.New or policy.Standard")
	}
	of := t.policies.Catalog()
	if t.catalog == nil || of == nil || t.catalog == of || t.catalog.Name() == of.Name() {
		return nil
	}
	return fmt.Errorf("retry: Config.Classifier is the catalog %q, but Config.Policies are for the codes of %q: "+
		"put the catalog into the policies (policy.Table.Catalog) and leave Classifier nil", t.catalog.Name(), of.Name())
}

// affordable returns an error if a resend costs more than a full bucket holds: every call
// would end with ErrBudget after its first failure.
func (t *tables) affordable(b *Budget) error {
	if b.capacity == 0 {
		return nil
	}
	return t.policies.Affordable(int(b.capacity))
}

// Reload replaces the policies of r, and its catalog if policies has one and
// Config.Classifier was nil. Running calls keep what they began with. Breakers, budget,
// nonces, lockouts and [Retrier.Stats] keep their state. If Reload returns an error,
// nothing changes: policies is nil, or costs more than the budget holds, or has another
// catalog than Config.Classifier.
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

// judge classifies an error. Its parts are separate functions because of their stack, see
// record.
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
	applyMark(err, v)
}

// Classify is judge, for [proof.Proof].
func (t *tables) Classify(err error) (v classify.Verdict) {
	t.judge(err, &v)
	return v
}

// proof returns the check whether a failed send changed nothing.
func (t *tables) proof(noReplay bool, wire *proof.Wire) *proof.Proof {
	return &proof.Proof{Classifier: t, Catalog: t.catalog, NoReplay: noReplay, Wire: wire, Nested: isEnd}
}

// isEnd reports whether err itself is the *Error of a call.
func isEnd(err error) bool {
	_, ok := err.(*Error)
	return ok
}

// advice returns what the rule for a code tells people to do, if the catalog has it.
func (t *tables) advice(code classify.Code) string {
	if t.catalog == nil {
		return ""
	}
	rule, _ := t.catalog.Lookup(code)
	return rule.Fix
}
