package spelling_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/internal/spelling"
)

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		a, b string
		want int
	}{
		{"", "", 0}, {"", "abc", 3}, {"abc", "", 3}, {"elapsd", "elapsed", 1}, {"clas", "class", 1},
		{"kitten", "sitting", 3}, {"ab", "ba", 2}, {strings.Repeat("a", 65), "a", 65},
	} {
		require.Equal(t, tt.want, spelling.Distance(tt.a, tt.b), "%s %s", tt.a, tt.b)
	}
	word := rapid.StringMatching("[abc]{0,12}")
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := word.Draw(t, "a"), word.Draw(t, "b"), word.Draw(t, "c")
		d := spelling.Distance(a, b)
		require.Equal(t, d, spelling.Distance(b, a))
		require.Equal(t, a == b, d == 0)
		require.LessOrEqual(t, spelling.Distance(a, c), d+spelling.Distance(b, c), "no way round is shorter")
	})
}
