package classify_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

const tenYears = 10 * 365 * 24 * time.Hour

func retryAfter(value, date string) time.Duration {
	h := http.Header{}
	if value != "" {
		h.Set("Retry-After", value)
	}
	if date != "" {
		h.Set("Date", date)
	}
	return classify.Decode(503, h, nil).RetryAfter
}

func TestRetryAfter(t *testing.T) {
	const date = "Sun, 06 Nov 1994 08:49:37 GMT"
	for _, tt := range []struct {
		value, date string
		want        time.Duration
	}{
		{"", date, 0},
		{"0", "", 0},
		{"120", "", 2 * time.Minute},
		{" 007\t", "", 7 * time.Second},
		{"9223372037", "", tenYears}, // a time, in 2262
		{"99999999", "", 99999999 * time.Second},
		{"18446744073709551617", "", tenYears},
		{strings.Repeat("9", 10_000), "", tenYears},
		{"-1", "", 0}, {"+1", "", 0}, {"1e3", "", 0}, {"1.5.0", "", 0}, {".", "", 0}, {",", "", 0}, {"-0.5", "", 0}, {"1,5x", "", 0}, {"0x10", "", 0}, {"10s", "", 0}, {"1 2", "", 0}, {"soon", "", 0}, {"١٢", "", 0},

		// Fractions, which HTTP does not allow, are rounded up.
		{"2.0", "", 2 * time.Second}, {"0.503", "", time.Second}, {"1.5", "", 2 * time.Second}, {".5", "", time.Second},
		{"3.", "", 3 * time.Second}, {"0.000", "", 0}, {"2.00000000000000000000000001", "", 3 * time.Second},

		// Several that a proxy has joined.
		{"5, 120", "", 2 * time.Minute}, {"120,5.5", "", 2 * time.Minute}, {"5, soon", "", 0},

		// Times since 1970, in seconds and in milliseconds.
		{"784111807", date, tenYears}, // a wait of 24 years: nobody sent that in 1994
		{"1764284407", "Thu, 27 Nov 2025 23:00:00 GMT", 7 * time.Second},
		{"1764284407.2", "Thu, 27 Nov 2025 23:00:00 GMT", 8 * time.Second},
		{"1764284407250", "Thu, 27 Nov 2025 23:00:00 GMT", 7250 * time.Millisecond},
		{"1764284399", "Thu, 27 Nov 2025 23:00:00 GMT", 0},
		{"999999999", "", tenYears}, {"999999999999999", "", tenYears}, {"1000000000000000", "", tenYears},

		{"Sun, 06 Nov 1994 08:50:07 GMT", date, 30 * time.Second},
		{"Sun, 06 Nov 1994 08:50:07 UTC", date, 30 * time.Second},
		{"Sun, 06 Nov 1994 08:50:07 +0000", date, 30 * time.Second},
		{"Sun, 6 Nov 1994 10:50:07 +0200", date, 30 * time.Second},
		{"Sun, 6 Nov 1994 08:50:07 GMT", "Sun, 6 Nov 1994 08:49:37 UTC", 30 * time.Second},
		{"1994-11-06T08:50:07Z", date, 30 * time.Second},
		{"1994-11-06T08:50:07.25Z", date, 30*time.Second + 250*time.Millisecond},
		{"1994-11-06T10:50:07+02:00", date, 30 * time.Second},
		{"1994-11-06T08:50:07+0000", date, 30 * time.Second},
		{"1994-11-06 08:50:07Z", date, 30 * time.Second},
		{"19941106T085007Z", date, 30 * time.Second},
		{"1994-11-06T08:50:07", date, 0},           // in whose zone?
		{"Sun, 06 Nov 1994 08:50:07 EST", date, 0}, // package time does not know how far that is
		{"Sun, 06 Nov 1994 08:50:07 BTC5", date, 0},
		{"Sunday, 06-Nov-94 08:50:07 GMT", date, 30 * time.Second},
		{"Sun Nov  6 08:50:07 1994", date, 30 * time.Second},
		{"Sun, 06 Nov 1994 08:50:07 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", 30 * time.Second},
		{date, date, 0},
		{"Sun, 06 Nov 1994 08:49:36 GMT", date, 0},
		{"Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", tenYears},
		{"Mon, 01 Jan 0001 00:00:00 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", 0},
		{"Sun, 06 Nov 1994", date, 0},
	} {
		require.Equal(t, tt.want, retryAfter(tt.value, tt.date), "%.40q, Date %q", tt.value, tt.date)
	}
}

func TestRetryAfterWithoutDate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // the clock stands at midnight UTC 2000-01-01
		for _, date := range []string{"", "yesterday"} {
			require.Equal(t, 90*time.Second, retryAfter("Sat, 01 Jan 2000 00:01:30 GMT", date))
		}
	})
}

func FuzzRetryAfter(f *testing.F) {
	f.Add("120", "")
	f.Add("9223372037", "")
	f.Add("Sun, 06 Nov 1994 08:50:07 GMT", "Sun, 06 Nov 1994 08:49:37 GMT")
	f.Add("Sunday, 06-Nov-94 08:50:07 GMT", "x")
	f.Add("Sun Nov  6 08:50:07 1994", "Sun Nov  6 08:50:07 1995")
	f.Fuzz(func(t *testing.T, value, date string) {
		d := retryAfter(value, date)
		require.True(t, 0 <= d && d <= tenYears, "%v", d)
		if d > 0 {
			require.False(t, strings.HasPrefix(strings.Trim(value, " \t"), "-"), "nobody waits for what is past")
		}
		// Seconds longer by one digit never mean less, as long as it is seconds.
		if strings.Trim(value, "0123456789") == "" && value != "" && len(value) < 9 {
			require.GreaterOrEqual(t, retryAfter(value+"0", date), d)
		}
	})
}

// Of several headers the longest counts, in whatever order they come.
func TestLongestRetryAfter(t *testing.T) {
	for _, values := range [][]string{{"5", "120"}, {"120", "soon"}, {"120", "Sun, 06 Nov 1994 08:49:40 GMT"}, {"", "1.5", "120"}} {
		for range 2 {
			h := http.Header{"Retry-After": values, "Date": {"Sun, 06 Nov 1994 08:49:37 GMT"}}
			require.Equal(t, 2*time.Minute, classify.Decode(503, h, nil).RetryAfter, "%q", values)
			slices.Reverse(values)
		}
	}
}

// A server that repeats a header costs no more than one that sends a few of them.
func TestFewRetryAftersAreRead(t *testing.T) {
	c, err := classify.Nexpay().WithShape(classify.Shape{RetryAfter: []string{"X-RateLimit-Reset", "RateLimit"}})
	require.NoError(t, err)
	for _, name := range []string{"Retry-After", "X-Ratelimit-Reset", "Ratelimit"} {
		few, many := http.Header{"X-Ratelimit-Remaining": {"0"}}, http.Header{"X-Ratelimit-Remaining": {"0"}}
		for n := range 10_000 {
			if n < 16 {
				few[name] = append(few[name], `soon;r=0`)
			}
			many[name] = append(many[name], `soon;r=0`)
		}
		cost := func(h http.Header) float64 { return testing.AllocsPerRun(5, func() { c.Decode(429, h, nil) }) }
		require.InDelta(t, cost(few), cost(many), 50, name) // pools are emptied now and then
	}
}
