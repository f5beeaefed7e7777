package resiliencedebug_test

import (
	"math"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// luminance and contrast are those of WCAG 2.2.
func luminance(t *testing.T, hex string) float64 {
	t.Helper()
	n, err := strconv.ParseUint(hex, 16, 32)
	require.NoError(t, err)
	linear := func(shift int) float64 {
		c := float64(n>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(16) + 0.7152*linear(8) + 0.0722*linear(0)
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// Text has a contrast of 4.5 and what only marks one of 3, by day and by night (AA).
func TestContrast(t *testing.T) {
	require.InDelta(t, 21, contrast(t, "000000", "ffffff"), 0.01)
	require.InDelta(t, 4.54, contrast(t, "767676", "ffffff"), 0.01)
	css, err := os.ReadFile("page.css")
	require.NoError(t, err)
	modes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(string(css), -1)
	require.Len(t, modes, 2)
	for i, mode := range modes {
		colour := map[string]string{}
		for _, m := range regexp.MustCompile(`--(\w+): #(\w{6});`).FindAllStringSubmatch(mode[1], -1) {
			colour[m[1]] = m[2]
		}
		require.Len(t, colour, 11)
		for _, ground := range []string{"ground", "shade", "badground", "wellground"} {
			for _, ink := range []string{"ink", "soft", "link"} {
				require.GreaterOrEqual(t, contrast(t, colour[ink], colour[ground]), 4.5, "%s on %s, mode %d", ink, ground, i)
			}
			require.GreaterOrEqual(t, contrast(t, colour["focus"], colour[ground]), 3.0, "focus on %s, mode %d", ground, i)
		}
		require.GreaterOrEqual(t, contrast(t, colour["bad"], colour["badground"]), 4.5)
		require.GreaterOrEqual(t, contrast(t, colour["bad"], colour["ground"]), 4.5)
		require.GreaterOrEqual(t, contrast(t, colour["well"], colour["wellground"]), 4.5)
	}
	require.NotRegexp(t, `#[0-9a-fA-F]{3,8}\b[^;]*;`, regexp.MustCompile(`(?s):root \{.*?\}|#\w+:empty|#live|#summary`).ReplaceAllString(string(css), ""), "colours stand at the top alone")
}
