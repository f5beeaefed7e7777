package policy

import (
	"fmt"
	"math"
	"net/http"
	"strings"

	"github.com/nexpay-go/resilience/classify"
)

// String returns the explanation as a few lines of text.
func (e Explanation) String() string {
	var b strings.Builder
	if fmt.Fprintln(&b, e.Title()); !e.Known && e.Status == 0 {
		line(&b, "what happens", "the HTTP status decides, for the breaker too; without one the call is not retried")
		return b.String()
	}
	line(&b, "class", fmt.Sprintf("%v; effect %s", e.Rule.Class, e.effect()))
	line(&b, "what to do", e.Rule.Fix)
	line(&b, "what happens", e.happens())
	line(&b, "breaker", breakerText(e.Policy.Breaker))
	line(&b, "worst case", e.worstCase())
	line(&b, "source", e.Rule.Source)
	return b.String()
}

// Title returns the first line of String: code, name and HTTP status, if known.
func (e Explanation) Title() string {
	title := e.Code.Text() + " " + e.Rule.Name
	switch {
	case !e.Known && e.Code == "" && e.Status != 0:
		return fmt.Sprintf("HTTP %d", e.Status)
	case e.Code == "":
		return "no code"
	case !e.Known && e.Status != 0:
		return fmt.Sprintf("%s: no rule for this code, HTTP %d decides", e.Code.Text(), e.Status)
	case !e.Known:
		return fmt.Sprintf("%s: no rule for this code", e.Code.Text())
	case e.Status != 0:
		title += fmt.Sprintf(", HTTP %d", e.Status)
	}
	return title
}

func line(b *strings.Builder, name, text string) {
	if text != "" {
		fmt.Fprintf(b, "  %-13s %s\n", name, text)
	}
}

// effect returns what is known to have happened. It also says where that is not enough
// proof (M3): for a payment, and for a request that is not idempotent.
func (e *Explanation) effect() string {
	text := e.Rule.Effect.String()
	if e.Rule.Effect != classify.NotApplied {
		return text
	}
	if e.Known && e.Status == 0 {
		text += " (unknown under 408, 425, 429 or anything but a 4xx; for a payment or a POST, also under 409)"
	}
	switch {
	case e.Code == "" && e.Status == http.StatusMisdirectedRequest:
		text += "; unknown for a payment, because a status alone is no proof"
	case e.Code == "" && e.Status != 0:
		text += "; unknown for a payment or a POST, because a status alone is no proof"
	case e.Rule.Class == classify.Resync:
		text += "; unknown for a payment or a POST, unless NoReplay guarantees that it was not sent twice"
	case e.Status == http.StatusConflict:
		text += "; unknown for a payment or a POST, because the conflict may be with an earlier copy"
	}
	return text
}

func breakerText(m BreakerMode) string {
	switch m {
	case Failure:
		return "counts as a failure"
	case Success:
		return "counts as a success"
	case Trip:
		return "opens at once"
	}
	return "ignores it"
}

func (e *Explanation) happens() string {
	p := &e.Policy
	switch {
	case e.Rule.Lockout:
		return "the call ends, and every further call with this key fails at once until a person unlocks it"
	case p.MaxAttempts == 1 && e.Rule.Class == classify.Retryable:
		return "the call ends; it may succeed later"
	case p.MaxAttempts == 1:
		return "the call ends"
	case e.Rule.Class == classify.Resync:
		return "retried at once with a newer nonce, at most twice in a call" + e.asked()
	case e.Rule.Class == classify.FixAndResend:
		return "the call ends, unless the caller gave a Fix: then the corrected request is sent once" + e.asked()
	}
	text := "retried after " + e.waits() + e.asked()
	if p.Cost > 0 {
		tokens := "tokens"
		if p.Cost == 1 {
			tokens = "token"
		}
		text += fmt.Sprintf("; each costs %d %s of the budget", p.Cost, tokens)
	}
	return text + e.post()
}

// post says when a retryable error is retried for a request that is not idempotent. The
// answer is no proof if the effect is unknown, or if it is a status alone.
func (e *Explanation) post() string {
	switch {
	case e.Rule.Effect != classify.NotApplied, e.Code == "" && e.Status != http.StatusMisdirectedRequest:
		return "; a POST only with an idempotency key, or as a payment that is looked up first"
	case e.Status == 0, e.Status == http.StatusConflict:
		return "; a POST only with proof or an idempotency key, or as a payment that is looked up first"
	}
	return ""
}

// asked describes what a Retry-After does.
func (e *Explanation) asked() string {
	text := "; or after the wait that Retry-After asks for"
	switch after, elapsed := e.Policy.MaxRetryAfter, e.Policy.MaxElapsed; {
	case elapsed != None && (after == None || after > elapsed):
		text += fmt.Sprintf(", if the next send begins within %v of the start of the call", elapsed)
	case after != None:
		text += fmt.Sprintf(", up to %v", after)
	}
	return text
}

// waits lists the waits before jitter, at most four of them.
func (e *Explanation) waits() string {
	const shown = 4
	if e.Policy.Backoff.Initial < 0 {
		return "no wait"
	}
	var waits []string
	for n := 1; n <= shown && (e.MaxSends == None || n < e.MaxSends); n++ {
		waits = append(waits, e.Policy.Backoff.Longest(n).String())
	}
	text := strings.Join(waits, ", ")
	if e.MaxSends == None || e.MaxSends > shown+1 {
		b := e.Policy.Backoff
		b.fill()
		text += fmt.Sprintf(" … up to %v", b.Max)
	}
	switch e.Policy.Backoff.Jitter {
	case JitterFull:
		text += " (each random, from zero to that)"
	case JitterEqual:
		text += " (each random, between half of that and all of it)"
	}
	return text
}

func (e *Explanation) worstCase() string {
	sends := fmt.Sprintf("%d sends", e.MaxSends)
	switch e.MaxSends {
	case 1:
		sends = "1 send"
	case None:
		sends = "sends until the time is up"
	}
	switch {
	case e.MaxTime == None || e.MaxTime == math.MaxInt64:
		return sends + ", as long as the context allows"
	case e.AttemptTimeout > 0:
		return fmt.Sprintf("%s, %v", sends, e.MaxTime)
	case e.MaxTime == 0:
		return sends + ", without a time limit: there is no attempt timeout"
	}
	return fmt.Sprintf("%s, %v plus the time the sends take: there is no attempt timeout", sends, e.MaxTime)
}
