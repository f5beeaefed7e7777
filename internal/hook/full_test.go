package hook_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/hook"
)

// Behind a hook that hangs so many values wait and no more. It is reported once each
// time, and the hook hears of the latest, in order.
func TestQueueIsBounded(t *testing.T) {
	var q hook.Queue[int]
	var got []int
	text := logged(t, func() {
		for range 2 {
			q.Push(-1)
			q.Drain("pkg.Hook", func(v int) { // hangs for as long as all this takes
				if got = append(got, v); v >= 0 {
					return
				}
				for i := range 2 * hook.Most {
					q.Push(i)
					if i%1000 == 0 {
						q.Drain("pkg.Hook", nil)
					}
				}
			})
			require.Len(t, got, hook.Most+1)
			for i, v := range got[1:] {
				require.Equal(t, hook.Most+i, v)
			}
			got = nil
		}
	})
	require.Equal(t, 2, strings.Count(text, "a hook is too slow"))
	require.Contains(t, text, "hook=pkg.Hook")
}
