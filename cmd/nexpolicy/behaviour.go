package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// A behaviour is everything that the library does about an error, for comparison.
type behaviour struct {
	class   classify.Class
	applied classify.Effect
	lockout bool
	happens string
	breaker string
	sends   int
	worst   time.Duration
	policy  policy.Policy
	known   bool
}

// effective returns the part of a policy that has a consequence for errors of a class.
// The rest is zero, and waits that can be written in several ways are written in one.
func effective(class classify.Class, p policy.Policy) policy.Policy {
	does := policy.Policy{MaxAttempts: 1, Breaker: p.Breaker}
	switch {
	case class != classify.Retryable && class != classify.Resync && class != classify.FixAndResend, p.MaxAttempts == 1:
		return does
	case class == classify.Retryable:
		does.MaxAttempts, does.Backoff, does.Cost = p.MaxAttempts, waits(p.Backoff), p.Cost
	default: // these have their own limits, cost nothing, and wait only for a Retry-After
		does.MaxAttempts, does.Backoff.Jitter = policy.None, spread(p.Backoff.Jitter)
	}
	does.MaxElapsed, does.MaxRetryAfter = p.MaxElapsed, p.MaxRetryAfter
	return does
}

// waits returns a backoff with its defaults filled in.
func waits(b policy.Backoff) policy.Backoff {
	if b.Initial < 0 {
		return policy.Backoff{Initial: policy.None, Jitter: spread(b.Jitter)} // a Retry-After still has jitter
	}
	b.Initial = b.Longest(1)
	b.Max = cmp.Or(b.Max, max(5*time.Second, b.Initial))
	b.Multiplier = cmp.Or(b.Multiplier, 2)
	if b.Initial == b.Max || b.Multiplier == 1 { // the waits do not grow
		b.Max, b.Multiplier = b.Initial, 1
	}
	return b
}

// spread returns what a jitter means for a Retry-After: whether up to a tenth is added.
func spread(j policy.Jitter) policy.Jitter {
	if j == policy.JitterNone {
		return j
	}
	return policy.JitterFull
}

func behaviourOf(e policy.Explanation) behaviour {
	return behaviour{
		class: e.Rule.Class, applied: e.Rule.Effect, lockout: e.Rule.Lockout, happens: happens(&e), breaker: breakerText(e.Policy.Breaker),
		sends: e.MaxSends, worst: e.MaxTime, known: e.Known || e.Status != 0,
		policy: effective(e.Rule.Class, e.Policy),
	}
}

func (b *behaviour) asks() string {
	if b.lockout {
		return b.class.String() + ", lockout"
	}
	return b.class.String()
}

func (b *behaviour) effect() string {
	if b.applied == classify.NotApplied {
		return "no"
	}
	return "unknown"
}

func breakerText(m policy.BreakerMode) string {
	switch m {
	case policy.Failure:
		return "failure"
	case policy.Success:
		return "success"
	case policy.Trip:
		return "opens it at once"
	}
	return "ignored"
}

// happens describes what the library does, in a few words.
func happens(e *policy.Explanation) string {
	switch {
	case e.Rule.Lockout:
		return "ends, and so does every call with this key until `Lockout().Unlock`"
	case e.Rule.Class == classify.Retryable && e.MaxSends == 1:
		return "ends: try again later"
	case e.MaxSends == 1:
		return "ends"
	case e.Rule.Class == classify.Resync:
		return "retried at once with a newer nonce, at most twice"
	case e.Rule.Class == classify.FixAndResend:
		return "ends, or `retry.Fix` corrects it, once per code and call"
	}
	words := []string{"retried: " + sendsText(e.MaxSends), waitsText(&e.Policy.Backoff)}
	if e.Policy.MaxElapsed != policy.None {
		words = append(words, short(e.Policy.MaxElapsed)+" in all")
	}
	switch after, elapsed := e.Policy.MaxRetryAfter, e.Policy.MaxElapsed; {
	case after == policy.None:
		words = append(words, "any Retry-After")
	case elapsed != policy.None && after > elapsed: // there is no time for more
		words = append(words, "Retry-After up to "+short(elapsed))
	case after > 0:
		words = append(words, "Retry-After up to "+short(after))
	}
	return strings.Join(words, ", ")
}

func sendsText(n int) string {
	switch n {
	case 1:
		return "1 send"
	case policy.None:
		return "no limit of sends"
	}
	return fmt.Sprintf("%d sends", n)
}

// waitsText describes how the waits grow.
func waitsText(b *policy.Backoff) string {
	first, second, most := b.Longest(1), b.Longest(2), b.Longest(1<<20)
	if first == 0 {
		return "no wait"
	}
	text := short(first)
	if most > first {
		switch {
		case second == most:
			text += ", then " + short(most)
		case b.Multiplier == 0 || b.Multiplier == 2:
			text += " doubling to " + short(most)
		default:
			text += fmt.Sprintf(" growing by %v to %s", b.Multiplier, short(most))
		}
	}
	switch b.Jitter {
	case policy.JitterEqual:
		return text + ", equal jitter"
	case policy.JitterNone:
		return text + ", no jitter"
	}
	return text + ", full jitter"
}

// plain removes Markdown's code marks.
func plain(s string) string { return strings.ReplaceAll(s, "`", "") }

// short returns a duration without trailing zeros: 1m, not 1m0s.
func short(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
