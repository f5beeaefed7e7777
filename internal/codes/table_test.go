package codes_test

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/internal/codes"
)

func TestAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.OneOf(rapid.Int(), rapid.IntRange(-5, 5), rapid.Map(rapid.IntRange(-50, 50), func(n int) int { return n << (strconv.IntSize - 8) }))
		keys := rapid.SliceOfNDistinct(code, 0, 300, rapid.ID).Draw(t, "codes")
		model := map[int]*int{}
		table := codes.Make(len(keys), func(i int) (int, *int) {
			model[keys[i]] = &i
			return keys[i], &i
		})
		for _, key := range append(keys, rapid.SliceOfN(code, 20, 20).Draw(t, "others")...) {
			require.Same(t, model[key], table.Find(key), "%d", key)
		}
	})
}

func TestZero(t *testing.T) {
	var none codes.Table[int]
	require.Nil(t, none.Find(0))
	empty := codes.Make[int](0, nil)
	require.Nil(t, empty.Find(0))
	require.Nil(t, empty.Find(-1))
}
