package main

import (
	"fmt"
	"strings"
	"testing"
)

// many is a file with as many codes and statuses, each with a policy of its own.
func many(codes, statuses int, settings, of string) string {
	var b strings.Builder
	b.WriteString("name: many\ndefault: {" + settings + "}\nrules:\n")
	for i := range codes {
		fmt.Fprintf(&b, "  - {code: %d, name: rule %d, class: retryable}\n", 10_000+3*i, i)
	}
	b.WriteString("codes:\n")
	for i := range codes {
		fmt.Fprintf(&b, "  %d: {"+of+"}\n", 10_000+3*i, i%90+1)
	}
	b.WriteString("statuses:\n")
	for i := range statuses {
		fmt.Fprintf(&b, "  %d: {elapsed: %ds, cost: %d}\n", 500-i, 100+i, i%90+1)
	}
	return b.String()
}

const endless = "attempts: none, cost: %d"

// Every command of a file with 2,000 codes and 100 statuses.
func BenchmarkMany(b *testing.B) {
	big := file(b, many(2000, 100, "elapsed: 30s", endless))
	for name, args := range map[string][]string{
		"lint": {"lint", big}, "table": {"table", "--file", big}, "json": {"table", "--file", big, "--format", "json"}, "explain": {"explain", "10000", "--file", big}, "schedule": {"schedule", "10000", "--file", big},
		"diff, the same":      {"diff", big, big},
		"diff, of waits":      {"diff", big, file(b, many(2000, 100, "elapsed: 30s, backoff: {initial: 250ms}", endless))},
		"diff, of every code": {"diff", big, file(b, many(2000, 100, "elapsed: 30s", "attempts: 5, elapsed: %ds"))},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if got := on(0, "", args...); got.errs != "" {
					b.Fatal(got.errs)
				}
			}
		})
	}
}
