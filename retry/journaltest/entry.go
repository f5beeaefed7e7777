package journaltest

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/retry"
)

var entryRules = []rule{
	{"an entry is returned unchanged", entriesComeBack},
	{"similar IDs are different", idsToldApart},
	{"an entry that cannot be stored is refused, never altered", keptOrRefused},
	{"no slice is shared with the caller", slicesNotShared},
}

func entriesComeBack(c *check) {
	for i, change := range []func(*retry.Entry){
		func(e *retry.Entry) { *e = retry.Entry{State: retry.EntryOpen, Owner: "o", At: e.At} },
		func(e *retry.Entry) { e.At = time.Date(1999, 12, 31, 23, 59, 59, 999_999_000, time.UTC) },
		func(e *retry.Entry) { e.At = time.Date(2100, 2, 28, 0, 0, 0, 1000, time.UTC) },
		func(e *retry.Entry) { e.At = e.At.Add(789) }, // nanoseconds: may be lost
		func(e *retry.Entry) { e.At = e.At.Truncate(time.Second) },
		func(e *retry.Entry) { e.First, e.Takes = time.Time{}, 0 },
		func(e *retry.Entry) { e.First, e.Takes = e.At, time.Millisecond },
		func(e *retry.Entry) { e.First, e.Takes = e.At.AddDate(-30, 0, 0), 100*365*24*time.Hour },
		func(e *retry.Entry) { e.Nonce = 1<<53 - 3 },
		func(e *retry.Entry) { e.Nonce = 1<<53 + 1 }, // is no float64
		func(e *retry.Entry) { e.Nonce = math.MaxInt64 },
		func(e *retry.Entry) { e.Nonce = math.MaxInt64 + 1 },
		func(e *retry.Entry) { e.Nonce = math.MaxUint64 },
		func(e *retry.Entry) { e.Key, e.Owner, e.Fingerprint = "clé", "所有者", strings.Repeat("f", 128) },
		func(e *retry.Entry) { e.Key = `a'b"c\d%e_f;--` + "\n\t<&>" },
		func(e *retry.Entry) { e.TraceIDs = traces(16) },
		func(e *retry.Entry) { e.TraceIDs = []string{"", `a,b;"c"`, "[]", "é", "{}\n"} },
	} {
		e := sample("")
		change(&e)
		e.ID = fmt.Sprint("p-", i)
		e = c.start(c.store.Journal, e)
		c.holds(c.store.Journal, e, "after Begin")
		e = c.end(c.store.Journal, e, retry.EntryOpen, e.TraceIDs...)
		c.holds(c.store.Journal, e, "after End as open")
	}
}

// traces returns n trace ids of the greatest length.
func traces(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprintf("%0256d", i))
	}
	return ids
}

// If a database treats two IDs as equal, one of two payments is not made.
func idsToldApart(c *check) {
	ids := []string{
		"a", "A", "a ", " a", "a\t", "aa", "á", "a\u0301", "ａ", "ß", "ss", "1", "01", "1.0", "null", "NULL", "a'", "a''", "a%", "a_",
		"%", `a\`, "a/", "a\n", "日本", "日", "🙂", "🙃", strings.Repeat("a", 255), strings.Repeat("a", 255) + "b",
	}
	var begun []retry.Entry
	for i, id := range ids {
		e := sample(id)
		e.Owner = fmt.Sprint("owner ", i)
		begun = append(begun, c.start(c.store.Journal, e))
	}
	for _, e := range begun {
		c.holds(c.store.Journal, e, "of all operations")
	}
	for _, e := range begun {
		c.holds(c.store.Journal, c.end(c.store.Journal, e, retry.EntryApplied, e.Owner), "ended")
	}
}

// A journal need not be able to store every string.
func keptOrRefused(c *check) {
	e := c.start(c.store.Journal, sample("a"))
	for _, odd := range []string{"a\x00", "a\x00b", "\x00a", "a\xff", "a\ufffd", "\xed\xa0\x80", strings.Repeat("long", 10_000)} {
		other := sample(odd)
		other.Owner = "odd"
		c.keptOrRefused(other)
		c.holds(c.store.Journal, e, "after another operation with an odd ID")

		other = sample(fmt.Sprintf("fields %.20q", odd))
		other.Key, other.Fingerprint = odd, odd
		c.keptOrRefused(other)
	}
}

func (c *check) keptOrRefused(e retry.Entry) {
	held, err := c.store.Journal.Begin(c, e)
	if err != nil {
		return
	}
	e.Generation = 1
	c.same(held, e, "Begin returns no error and")
	c.holds(c.store.Journal, e, "after a Begin without error")
}

func slicesNotShared(c *check) {
	given := []string{"t-1", "t-2"}
	e := sample("p-1")
	e.TraceIDs = given
	want := c.start(c.store.Journal, e)
	want.TraceIDs = []string{"t-1", "t-2"}
	given[0] = "spoiled"
	c.holds(c.store.Journal, want, "after Begin, the caller's slice changed,")

	c.read(c.store.Journal, "p-1").TraceIDs[0] = "spoiled"
	c.holds(c.store.Journal, want, "the slice read changed,")

	noted := []string{"t-3"}
	want = c.end(c.store.Journal, want, retry.EntryOpen, noted...)
	want.TraceIDs = []string{"t-3"}
	noted[0] = "spoiled"
	c.holds(c.store.Journal, want, "after End, the caller's slice changed,")

	for _, listed := range c.pending(c.store.Journal) {
		listed.TraceIDs[0] = "spoiled"
	}
	c.holds(c.store.Journal, want, "the slice listed changed,")
}
