package classify_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nexpay-go/resilience/classify"
)

// Codes that rules are for: each alone, in a range, or by its beginning.
func BenchmarkLookup(b *testing.B) {
	for _, n := range []int{20, 10_000} {
		for _, kind := range []struct{ name, rule, code string }{
			{"numbers", "%d", "%d"}, {"words", "payment_refused_%d", "payment_refused_%d"}, {"ranges", "%d0..%[1]d9", "%d5"}, {"beginnings", "E%05d:*", "E%05d:no"},
		} {
			rules, codes := make([]classify.Rule, n), make([]classify.Code, 1024)
			for i := range rules {
				rules[i] = rule("r", fmt.Sprintf(kind.rule, i+1))
			}
			for i := range codes { // in no order
				codes[i] = classify.Code(fmt.Sprintf(kind.code, 1+rand.IntN(n)))
			}
			c := mustCatalog(b, rules...)
			b.Run(fmt.Sprintf("%s/%d", kind.name, n), func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					c.Lookup(codes[i%len(codes)])
					i++
				}
			})
		}
	}
}

func BenchmarkClassify(b *testing.B) {
	for name, err := range map[string]error{
		"answer":         answer(403, "50"),
		"wrapped answer": fmt.Errorf("while paying: %w", answer(403, "50")),
		"code":           coded(50),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				classify.Nexpay().Classify(err)
			}
		})
	}
}

func BenchmarkDecode(b *testing.B) {
	body := []byte(`{"errors":[{"code":50,"message":"Nonce is not monotonous","data":null}],"traceId":"5f2c9a1e"}`)
	b.ReportAllocs()
	for b.Loop() {
		classify.Decode(403, nil, body)
	}
}

// An answer of another shape, with three paths.
func BenchmarkDecodeShape(b *testing.B) {
	c := shaped(b, classify.Shape{Code: []string{"$.error.code"}, Message: []string{"$.error.message"}, TraceID: []string{"$.request_id"}})
	body := []byte(`{"error":{"code":"nonce","message":"Nonce is not monotonous","data":null},"request_id":"5f2c9a1e"}`)
	b.ReportAllocs()
	for b.Loop() {
		c.Decode(403, nil, body)
	}
}
