package boltjournal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
)

// Whatever a record holds, it is an entry in a known state, or damage. An entry that can be stored is read as it was.
func FuzzRecord(f *testing.F) {
	whole, err := boltjournal.Encode(sample("p-1"))
	require.NoError(f, err)
	for _, text := range []string{
		string(whole), `{}`, `null`, `[]`, `{"state":"open"}`, `{"state":"applied","generation":-1,"nonce":18446744073709551615}`, `{"state":"open","takes":-1}`,
		`{"state":"open","at":"9999-12-31T23:59:59-23:59"}`, `{"state":"open","at":"0000-01-01T00:00:00+23:59"}`, `{"state":"open","generation":9223372036854775807}`, `{"state":"x"}`, "{\"state\":\"open\",\"key\":\"\\u0000\"}",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		e, err := boltjournal.Decode("p-1", value)
		if err != nil {
			require.ErrorIs(t, err, boltjournal.ErrDamaged)
			require.Equal(t, retry.Entry{}, e)
			return
		}
		require.Contains(t, []retry.EntryState{retry.EntryOpen, retry.EntryApplied, retry.EntryNotApplied}, e.State)
		if again, err := boltjournal.Encode(e); err == nil {
			same, err := boltjournal.Decode("p-1", again)
			require.NoError(t, err)
			if len(e.TraceIDs) == 0 {
				same.TraceIDs = e.TraceIDs
			}
			require.Equal(t, e, same)
		}
	})
}
