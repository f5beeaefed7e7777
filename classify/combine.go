package classify

import (
	"github.com/nexpay-go/resilience/internal/errtree"
	"github.com/nexpay-go/resilience/internal/wire"
)

// Bounds of the walk through one error: how many errors it looks at, and how deep
// joined errors nest. What lies beyond is not looked at, and the effect is Unknown.
const (
	maxErrors = 1000
	maxJoins  = 20
)

// Classify says what a failed call asks for. The package documentation tells whose
// opinion counts. Classify(nil) is the zero Verdict. It does not allocate for an
// [*Error], wrapped or not.
func (c *Catalog) Classify(err error) (v Verdict) {
	c.classify(err, &v)
	return v
}

// classify is Classify into v: goroutines call it by the thousand on small stacks,
// where no frame but the caller's should hold a Verdict.
func (c *Catalog) classify(err error, v *Verdict) {
	if e := answerIn(err); e != nil { // nearly always
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

// answerIn finds the *Error in a plain chain; nil where it takes a closer look.
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

// answer judges one failed answer. v is zero before.
func (c *Catalog) answer(e *Error, v *Verdict) {
	rowClass, rowEffect := statusRow(e.Status)
	v.Class, v.Status, v.RetryAfter, v.Rule = rowClass, e.Status, max(e.RetryAfter, 0), statusName(e.Status)
	refused := !e.partial && len(e.Details) <= maxDetails // as far as we know yet
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
		// A code that no rule knows may say that it happened before: the status
		// cannot tell otherwise, it only decides what would help.
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
	case e.Status != 0: // without a status the rules speak alone
		refused = refused && mayRefuse(e.Status)
	}
	if refused {
		v.Effect = NotApplied
	}
	if e.skipped > maxSkipped && strictness(v.Class, v.Lockout) < strictness(Unclassified, false) {
		v.Class, v.Code, v.Rule = Unclassified, "", "too many errors" // one that was not read may forbid what these allow
	}
}

// strictness orders classes where several errors came at once: the one that forbids
// most wins. Unclassified stands in the middle: it forbids resending, but knows less
// than a rule that names what is wrong. A lockout goes before any other Fatal,
// because its code is the one a person has to hear of.
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

// A rank is how much an opinion counts against others of the same chain.
type rank uint8

const (
	nobody    rank = iota
	byNotSent      // the lowest: whatever else is in the chain was seen, and may speak of a request on the wire
	byURL
	byTransport
	byUndecodable
	byCancel // a read the caller broke off is unreadable too, but that is not the point
	byUnsent // whatever it failed with, it was not sent
	byStatus // that an error tells without a code
	byCode
	byAnswer
	byMark // the program's own word
)

type opinion struct {
	Verdict
	rank rank
}

// A walk goes through a tree of errors.
type walk struct {
	catalog *Catalog
	left    int
}

// opinion is that of the chain starting at err. The outermost of the highest rank
// wins; where the chain ends in joined errors, they have one opinion together.
func (w *walk) opinion(err error, joins int) opinion {
	var best opinion
	var seen connection
	var own told
	for err != nil && w.left > 0 {
		w.left--
		if errtree.Nil(err) { // whose methods may panic
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
		if _, ok := err.(*wire.BodyError); ok { // the program's own, whatever its reader says
			return best.or(opinion{Verdict{Class: Fatal, Rule: "request body cannot be read"}, byUnsent})
		}
		best = best.or(w.catalog.spoken(err))
		seen.add(err)
		own.add(w.catalog, err)
		switch x := err.(type) {
		case interface{ Unwrap() error }:
			err = x.Unwrap()
		case interface{ Unwrap() []error }:
			// What was seen on the way here is outside, and so goes first.
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

// unsent is the opinion about a request that is known not to have been sent. Why it
// was not may tell whether another try can help.
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

// marked is the opinion about an error of which somebody has said whether it is worth
// sending again. A lockout stands: that is for a person to end.
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

// joined is the one opinion of several errors: of those that have one the strictest
// wins, and only if all of them say so nothing was applied.
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

// or is the opinion of the higher rank, o where they are equal.
func (o opinion) or(p opinion) opinion {
	if p.rank > o.rank {
		return p
	}
	return o
}

// stricter is the opinion that forbids more, o where they are equal, with the
// longer wait and the higher rank of both.
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

// spoken is the opinion of this one error, those it wraps left aside, as far as it
// is not about the connection.
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
		if x.As(target) && any(*target) != nil { // it may have set nothing
			return *target, true
		}
	}
	return *new(T), false
}
