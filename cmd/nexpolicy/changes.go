package main

import (
	"fmt"
	"slices"
	"time"

	"github.com/nexpay-go/resilience/policy"
)

// changes lists the differences between two behaviours.
func changes(from, to behaviour) (all []change) {
	add := func(what, from, to string) {
		if from != to {
			all = append(all, change{what, from, to})
		}
	}
	if from.known != to.known {
		if to.known {
			return []change{{"rule", "none, the HTTP status decides", fmt.Sprintf("%s: %s", to.asks(), plain(to.happens))}}
		}
		return []change{{"rule", fmt.Sprintf("%s: %s", from.asks(), plain(from.happens)), "none, the HTTP status decides"}}
	}
	add("class", from.asks(), to.asks())
	add("took effect", from.effect(), to.effect())
	if add("what happens", plain(from.happens), plain(to.happens)); from.class == to.class && from.happens == to.happens {
		all = append(all, slices.DeleteFunc(moves(from.policy, to.policy), func(m change) bool { return m.what == "breaker" || m.what == "cost" })...)
	}
	add("to the breaker", from.breaker, to.breaker)
	add("cost of each", cost(from), cost(to))
	if len(all) > 0 { // otherwise only the attempt timeout differs, which is listed separately
		add("worst case", worst(from), worst(to))
	}
	return all
}

func cost(b behaviour) string {
	if b.policy.Cost <= 0 {
		return "nothing"
	}
	return fmt.Sprintf("%d tokens", b.policy.Cost)
}

func worst(b behaviour) string {
	if b.worst == policy.None {
		return sendsText(b.sends) + ", no time limit"
	}
	return sendsText(b.sends) + ", " + rounded(b.worst)
}

// moves lists the fields that differ between two effective policies of one class. If one
// of them has no such field because there is no retry, only the number of attempts is
// listed.
func moves(from, to policy.Policy) (all []change) {
	add := func(what string, from, to any, none ...bool) {
		if from != to && !slices.Contains(none, true) {
			all = append(all, change{what, fmt.Sprint(from), fmt.Sprint(to)})
		}
	}
	add("attempts", countText(from.MaxAttempts), countText(to.MaxAttempts))
	f, t := from.Backoff, to.Backoff
	add("backoff initial", orNone(f.Initial), orNone(t.Initial), f.Initial == 0, t.Initial == 0)
	add("backoff max", short(f.Max), short(t.Max), f.Max == 0, t.Max == 0)
	add("backoff multiplier", f.Multiplier, t.Multiplier, f.Multiplier == 0, t.Multiplier == 0)
	add("backoff jitter", f.Jitter, t.Jitter, from.MaxAttempts == 1, to.MaxAttempts == 1)
	add("elapsed", orNone(from.MaxElapsed), orNone(to.MaxElapsed), from.MaxElapsed == 0, to.MaxElapsed == 0)
	add("max-retry-after", orNone(from.MaxRetryAfter), orNone(to.MaxRetryAfter), from.MaxRetryAfter == 0, to.MaxRetryAfter == 0)
	add("cost", countText(from.Cost), countText(to.Cost), from.Cost == 0, to.Cost == 0)
	add("breaker", from.Breaker, to.Breaker)
	return all
}

func countText(n int) string {
	if n == policy.None {
		return "none"
	}
	return fmt.Sprint(n)
}

func orNone(d time.Duration) string {
	if d <= 0 {
		return "none"
	}
	return short(d)
}
