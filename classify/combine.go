package classify

import (
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/wire"
)

// Limits on the walk through one error: the number of errors, and the depth of nested
// joins. Errors beyond a limit are not read, and make the effect Unknown.
const (
	maxErrors = 1000
	maxJoins  = 20
)

// Classify returns the verdict on the error of a failed call. The package documentation
// says which error in a chain decides. Classify(nil) returns the zero Verdict. It does
// not allocate for an [*Error], wrapped or not.
func (c *Catalog) Classify(err error) (v Verdict) {
	c.classify(err, &v)
	return v
}

// classify is Classify with the result in v. Thousands of goroutines call it on small
// stacks, so only the caller's frame holds a Verdict.
func (c *Catalog) classify(err error, v *Verdict) {
	if e := answerIn(err); e != nil { // the usual case
		c.answer(e, v)
		return
	}
	c.walk(err, v)
}

//go:noinline
func (c *Catalog) walk(err error, v *Verdict) {
	w := walk{catalog: c, left: maxErrors}
	*v = w.opinion(err, 0).Verdict
}

// answerIn returns the *Error of a plain chain, or nil if the chain needs the full walk.
func answerIn(err error) *Error {
	for range maxErrors {
		switch x := err.(type) {
		case *Error:
			return x
		case *wire.Mark:
			return nil
		case interface{ As(any) bool }:
			return nil
		case interface{ Unwrap() error }:
			if errtree.Nil(err) {
				return nil
			}
			err = x.Unwrap()
		default:
			return nil
		}
	}
	return nil
}

// answer classifies one failed answer. v must be zero.
func (c *Catalog) answer(e *Error, v *Verdict) {
	rowClass, rowEffect := statusRow(e.Status)
	v.Class, v.Status, v.RetryAfter, v.Rule = rowClass, e.Status, max(e.RetryAfter, 0), statusName(e.Status)
	refused := !e.partial && len(e.Details) <= maxDetails // so far
	decided := 0
	complaints := len(e.Details) + len(e.beyond)
	if e.bare {
		complaints = 0
	}
	for i := range complaints {
		code := e.code(i)
		if code == "" {
			refused = false
			continue
		}
		class, effect, lockout, name := rowClass, Unknown, false, statusName(e.Status)
		// A code without a rule may mean "already done", and the status does not tell:
		// the status decides the class only.
		r := c.index.Find(string(code))
		if r == nil && c.layers {
			r = c.wider(code)
		}
		if r != nil {
			class, effect, lockout, name = r.Class, r.Effect, r.Lockout, r.Name
		}
		refused = refused && effect == NotApplied
		if s := strictness(class, lockout); s > decided {
			decided = s
			v.Class, v.Code, v.Lockout, v.Rule = class, code, lockout, name
		}
	}
	switch {
	case decided == 0:
		refused = refused && rowEffect == NotApplied
		if v.RetryAfter > 0 && e.Status >= 400 && e.Status <= 499 { // "later" is not "never"
			v.Class = Retryable
		}
	case e.Status != 0: // without a status the rules alone decide
		refused = refused && mayRefuse(e.Status)
	}
	if refused {
		v.Effect = NotApplied
	}
	if e.skipped > maxSkipped && strictness(v.Class, v.Lockout) < strictness(Unclassified, false) {
		v.Class, v.Code, v.Rule = Unclassified, "", "too many errors" // an error that was not read may forbid what these allow
	}
}

// strictness orders classes where one answer has several errors: the one that forbids
// most wins. Unclassified is in the middle: it forbids a retry, but says less than a rule
// that names the mistake. A lockout wins over any other Fatal, because a person has to
// see its code.
func strictness(c Class, lockout bool) int {
	switch c {
	case Retryable:
		return 1
	case Resync:
		return 2
	case FixAndResend:
		return 4
	case Fatal:
		if lockout {
			return 6
		}
		return 5
	}
	return 3
}

// A rank orders the opinions of one chain.
type rank uint8

const (
	nobody    rank = iota
	byNotSent      // the lowest: any other error in the chain may be about a request that was sent
	byURL
	byTransport
	byUndecodable
	byCancel // above byUndecodable: a read that the caller cancelled is unreadable too
	byUnsent // the request was not sent, whatever the cause
	byStatus // a status without a code
	byCode
	byAnswer
	byMark // set by the program
)

type opinion struct {
	Verdict
	rank rank
}

// A walk visits a tree of errors.
type walk struct {
	catalog *Catalog
	left    int
}

// opinion returns the opinion of the chain that starts at err. The outermost opinion of
// the highest rank wins. If the chain ends in joined errors, these count as one opinion.
func (w *walk) opinion(err error, joins int) opinion {
	var best opinion
	var seen connection
	var own facts
	for err != nil && w.left > 0 {
		w.left--
		if errtree.Nil(err) { // its methods may panic
			break
		}
		if u, ok := err.(*wire.Unsent); ok {
			return best.or(w.unsent(u, joins))
		}
		if _, ok := err.(*wire.Unprocessed); ok {
			return best.or(opinion{Verdict{Class: Retryable, Effect: NotApplied, Rule: "not processed"}, byUnsent})
		}
		if m, ok := err.(*wire.Mark); ok {
			return best.or(w.marked(m, joins))
		}
		if _, ok := err.(*wire.BodyError); ok { // the program's own mistake, whatever its reader reports
			return best.or(opinion{Verdict{Class: Fatal, Rule: "request body cannot be read"}, byUnsent})
		}
		best = best.or(w.catalog.spoken(err))
		seen.add(err)
		own.add(w.catalog, err)
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			// The errors seen so far are outside the joined ones, so they come first.
			best = best.or(own.opinion(w.catalog)).or(seen.opinion()).or(w.joined(x.Unwrap(), joins+1))
			return best
		default:
			err = nil
		}
	}
	best = best.or(own.opinion(w.catalog)).or(seen.opinion())
	if err != nil {
		best.Effect = Unknown
	}
	return best
}

// unsent returns the opinion about a request that is known not to have been sent. The
// cause decides whether a retry can help.
func (w *walk) unsent(u *wire.Unsent, joins int) opinion {
	why := w.opinion(u.Unwrap(), joins)
	o := opinion{Verdict{Class: Retryable, Effect: NotApplied, Rule: "not sent"}, byUnsent}
	switch {
	case u.Final:
		o.Class, o.Rule = Fatal, "cannot be sent"
	case why.rank == byCancel, why.Rule == transportVerdicts[certificate].Rule:
		o.Class, o.Rule = why.Class, why.Rule
	case u.Asked:
		o.Rule = transportVerdicts[unsent].Rule
	}
	return o
}

// marked returns the opinion about an error that the program marked as retryable or not.
// A lockout remains one: only a person can lift it.
func (w *walk) marked(m *wire.Mark, joins int) opinion {
	o := w.opinion(m.Unwrap(), joins)
	o.rank = byMark
	switch {
	case o.Lockout:
	case m.Permanent:
		o.Class = Fatal
	default:
		o.Class = Retryable
	}
	if o.Rule == "" {
		o.Rule = m.Rule()
	}
	return o
}

// joined returns one opinion of several errors. The strictest wins. The effect is
// NotApplied only if every error says so.
func (w *walk) joined(errs []error, joins int) opinion {
	var all opinion
	agreed := joins <= maxJoins
	if !agreed {
		errs = nil
	}
	for _, err := range errs {
		if err == nil {
			continue
		}
		if w.left == 0 {
			agreed = false
			break
		}
		o := w.opinion(err, joins)
		agreed = agreed && o.rank > nobody && o.Effect == NotApplied
		all = all.stricter(o)
	}
	if !agreed {
		all.Effect = Unknown
	}
	return all
}

// or returns the opinion of the higher rank, or o if the ranks are equal.
func (o opinion) or(p opinion) opinion {
	if p.rank > o.rank {
		return p
	}
	return o
}

// stricter returns the opinion that forbids more, or o if they are equal, with the longer
// wait and the higher rank of the two.
func (o opinion) stricter(p opinion) opinion {
	if o.rank == nobody || p.rank == nobody {
		return o.or(p)
	}
	s := o
	if strictness(p.Class, p.Lockout) > strictness(o.Class, o.Lockout) {
		s = p
	}
	s.RetryAfter = max(o.RetryAfter, p.RetryAfter)
	s.rank = max(o.rank, p.rank)
	return s
}

// spoken returns the opinion of this one error, without those it wraps and without what
// it says about the connection.
func (c *Catalog) spoken(err error) opinion {
	if e, ok := as[*Error](err); ok && e != nil {
		o := opinion{rank: byAnswer}
		c.answer(e, &o.Verdict)
		return o
	}
	if e := c.adapted(err); e != nil {
		o := opinion{rank: byAnswer}
		c.answer(e, &o.Verdict)
		return o
	}
	if u, ok := err.(*undecodable); ok {
		return opinion{Verdict{Class: u.class(), Status: u.status, Rule: u.rule()}, byUndecodable}
	}
	if x, ok := as[interface{ NotSent() bool }](err); ok && x.NotSent() {
		return opinion{Verdict{Class: Fatal, Effect: NotApplied, Rule: "not sent: mistake in the program"}, byNotSent}
	}
	return opinion{}
}

// as is errors.AsType for one error of a chain.
func as[T any](err error) (T, bool) {
	if e, ok := err.(T); ok {
		return e, true
	}
	if x, ok := err.(interface{ As(any) bool }); ok {
		target := new(T)
		if x.As(target) && any(*target) != nil { // As may have set nothing
			return *target, true
		}
	}
	return *new(T), false
}
