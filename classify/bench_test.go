package classify_test

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/nexpay-go/resilience/classify"
)

func BenchmarkLookup(b *testing.B) {
	for _, c := range []*classify.Catalog{classify.Nexpay(), large(b)} {
		rules := c.Rules()
		codes := make([]classify.Code, 1024) // in no order
		for i := range codes {
			codes[i], _, _ = rules[rand.IntN(len(rules))].Bounds()
		}
		b.Run(fmt.Sprintf("%d rules, one code", len(rules)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.Lookup(codes[0])
			}
		})
		b.Run(fmt.Sprintf("%d rules, any code", len(rules)), func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				c.Lookup(codes[i%len(codes)])
				i++
			}
		})
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
