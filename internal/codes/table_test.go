package codes_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/internal/codes"
)

func TestAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		code := rapid.OneOf(rapid.String(), rapid.StringMatching(`-?[0-9]{1,6}`), rapid.StringMatching(`[ab]{0,20}`))
		keys := rapid.SliceOfNDistinct(code, 0, 300, rapid.ID).Draw(t, "codes")
		model := map[string]*int{}
		for i, key := range keys {
			model[key] = &i
		}
		table := codes.Make(model)
		for _, key := range append(keys, rapid.SliceOfN(code, 20, 20).Draw(t, "others")...) {
			require.Same(t, model[key], table.Find(key), "%q", key)
			if model[key] != nil {
				require.Equal(t, key, table.Intern(key))
			} else {
				require.Empty(t, table.Intern(key))
			}
		}
	})
}

func TestZero(t *testing.T) {
	var none codes.Table[int]
	require.Nil(t, none.Find(""))
}

// However codes are patterned, they are found in a few steps.
func TestPatternsAreScattered(t *testing.T) {
	for name, pattern := range map[string]string{"numbers": "%d", "steps": "%d0000", "words": "payment_declined_%06d", "beginnings": "%06d_declined"} {
		entries := map[string]*int{}
		for i := range 10_000 {
			entries[fmt.Sprintf(pattern, i)] = &i
		}
		require.Less(t, codes.Longest(codes.Make(entries)), 40, name)
	}
}

func TestText(t *testing.T) {
	for code, want := range map[string]string{
		"50": "50", "-32603": "-32603", "card_declined": "card_declined", "EAPI:x": "EAPI:x", "a.b/c+d*e#f": "a.b/c+d*e#f", "Ключ": "Ключ",
		"EAPI:Invalid nonce": `"EAPI:Invalid nonce"`, "a)b": `"a)b"`, "a;b": `"a;b"`, `a"b`: `"a\"b"`, "a\nb": `"a\nb"`, "": "",
		strings.Repeat("é", 65): strings.Repeat("é", 64),
	} {
		require.Equal(t, want, codes.Text(code))
	}
}
