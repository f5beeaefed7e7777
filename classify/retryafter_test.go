package classify_test

import (
	"net/http"
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
		{"9223372037", "", tenYears},
		{"99999999", "", 99999999 * time.Second},
		{"18446744073709551617", "", tenYears},
		{strings.Repeat("9", 10_000), "", tenYears},
		{"-1", "", 0}, {"+1", "", 0}, {"1.5", "", 0}, {"1e3", "", 0}, {"0x10", "", 0}, {"10s", "", 0}, {"1 2", "", 0}, {"soon", "", 0}, {"١٢", "", 0},

		{"Sun, 06 Nov 1994 08:50:07 GMT", date, 30 * time.Second},
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
		if d > 0 && strings.ContainsAny(value, "-+.") {
			_, err := http.ParseTime(strings.Trim(value, " \t"))
			require.NoError(t, err, "neither digits nor a date")
		}
		// Seconds longer by one digit never mean less.
		if strings.Trim(value, "0123456789") == "" && value != "" {
			require.GreaterOrEqual(t, retryAfter(value+"0", date), d)
		}
	})
}
