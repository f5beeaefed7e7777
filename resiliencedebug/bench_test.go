package resiliencedebug_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

// The page of a large program on a bad day: 200 breakers of which 50 are open, 64 keys
// of which 8 are locked, 10,000 operations in doubt.
func BenchmarkPage(b *testing.B) {
	w := &world{group: new(breaker.Group), lockout: new(breaker.Lockout), journal: new(retry.MemoryJournal)}
	for i := range 200 {
		if of := w.group.Get(fmt.Sprintf("host-%03d.example", i)); i%4 == 0 {
			of.Isolate("maintenance")
		}
	}
	var lanes []*nonce.Lane
	for i := range 64 {
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: fmt.Sprintf("payouts-%02d", i)})
		require.NoError(b, err)
		if lanes = append(lanes, lane); i%8 == 0 {
			w.lockout.Lock(lane.Key(), breaker.LockCause{Code: "100", Reason: "API key locked", Advice: "Call the vendor.", TraceID: "5f2c"})
		}
	}
	pool, err := nonce.NewPool(lanes...)
	require.NoError(b, err)
	w.doubt(b, 10_000, time.Now().Add(-24*time.Hour))
	r := retrier(b, retry.Config{Breakers: w.group, Lockout: w.lockout, Nonces: pool, Journal: w.journal})
	w.cfg = resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"bank": r}}
	for _, format := range []string{"html", "json"} {
		for _, listed := range []string{"listed", "listed before"} {
			b.Run(format+", "+listed, func(b *testing.B) {
				h := w.page(b)
				var size int
				for b.Loop() {
					if listed == "listed" {
						h = w.page(b) // which has listed nothing yet
					}
					rec := httptest.NewRecorder()
					h.ServeHTTP(rec, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/?format="+format, nil))
					size = rec.Body.Len()
				}
				b.ReportMetric(float64(size)/1024, "kB")
			})
		}
	}
}
