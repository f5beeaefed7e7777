package breaker_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

// What becomes of a breaker while nobody asks the Group for it counts when room
// is made: one that is open then is not forgotten, whatever it was before.
func TestGroupForgetsNoneThatIsOpenMeanwhile(t *testing.T) {
	for _, tt := range []struct {
		name           string
		before, during func(*breaker.Breaker)
	}{
		{"isolated, then reset and tripped",
			func(b *breaker.Breaker) { b.Isolate("person") },
			func(b *breaker.Breaker) { b.Reset(); report(b, breaker.Trip) }},
		{"open, then probed in vain",
			func(b *breaker.Breaker) { report(b, breaker.Trip) },
			func(b *breaker.Breaker) {
				time.Sleep(b.Check().(*breaker.OpenError).RetryIn)
				report(b, breaker.Failure)
			}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, err := breaker.NewGroup(breaker.Config{}, 4)
				require.NoError(t, err)
				crowd := func(name string) {
					for i := range 8 {
						g.Get(fmt.Sprintf("%s %d", name, i))
					}
				}
				b := g.Get("a")
				tt.before(b)
				crowd("before")
				tt.during(b)
				require.Equal(t, breaker.Open, b.State())
				crowd("after")
				require.Same(t, b, g.Get("a"))
			})
		})
	}
}
