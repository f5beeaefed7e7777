package journaltest_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/retry/journaltest"
)

// A flaw is one way to get a journal wrong.
type flaw string

const (
	none             flaw = ""
	noCAS            flaw = "Begin takes any generation"
	lowerCAS         flaw = "Begin takes any generation not below the one held"
	sameGeneration   flaw = "Begin leaves the generation as it is"
	notAtomic        flaw = "Begin reads and writes apart"
	overApplied      flaw = "Begin takes the place of what was applied"
	neverAgain       flaw = "Begin refuses what was not applied"
	answersOwn       flaw = "Begin returns what it was given, stored or not"
	readStores       flaw = "reading stores"
	readMissing      flaw = "reading what is not there is an error"
	anyEnd           flaw = "End does not look at the generation"
	olderEnd         flaw = "End takes older generations"
	lateEnd          flaw = "End changes what has ended"
	silentEnd        flaw = "a late End is no error"
	plainEnd         flaw = "a late End is no ErrBusy"
	endOnce          flaw = "End cannot be repeated"
	endRewrites      flaw = "a repeated End changes the trace ids"
	endStoresAll     flaw = "End stores the whole entry"
	endNotesNothing  flaw = "End as open does nothing"
	endCreates       flaw = "End of what is not held stores it"
	ownerDropped     flaw = "the owner is not stored"
	fingerprintOnce  flaw = "the fingerprint of the first Begin stays"
	tracesDropped    flaw = "Begin stores no trace ids"
	fewTraces        flaw = "eight trace ids are kept"
	floatNonce       flaw = "the nonce is a float64"
	signedNonce      flaw = "the nonce stops at the largest int64"
	millis           flaw = "the time is cut to the millisecond"
	localTime        flaw = "the time is not UTC"
	firstOnce        flaw = "the first time of the first Begin stays"
	firstIsAt        flaw = "the first time is that of the Begin"
	firstUnix        flaw = "no first time becomes 1970"
	takesDropped     flaw = "what the sender takes is not stored"
	takesSeconds     flaw = "what the sender takes is cut to the second"
	endForgetsTimes  flaw = "End drops the first time and what the sender takes"
	repeatFails      flaw = "the same Begin once more is an error"
	foldsCase        flaw = "IDs are told apart regardless of case"
	trimsSpace       flaw = "IDs are told apart regardless of space behind"
	cutsAtNUL        flaw = "IDs end at a NUL"
	cutsLong         flaw = "IDs are cut at 255 bytes"
	mendsUTF8        flaw = "fields are made valid UTF-8"
	sharesGiven      flaw = "the slice given is kept"
	sharesHeld       flaw = "the slice held is returned"
	ignoresContext   flaw = "the context is not looked at"
	pendingAll       flaw = "Pending lists what has ended"
	pendingNothing   flaw = "Pending lists nothing"
	pendingStale     flaw = "Pending lists what was open when it began"
	pendingTwice     flaw = "Pending lists again what is begun again"
	pendingGoesOn    flaw = "Pending does not look at the context"
	locksPending     flaw = "Pending keeps everybody else out"
	forgets          flaw = "a restart loses all"
	forgetsEnds      flaw = "a restart loses what End said"
	lockPerHandle    flaw = "handles do not keep each other out"
	pendingForgotten flaw = "a restart loses what is pending"
	panics           flaw = "Begin panics"
	prunesOpen       flaw = "Prune deletes what is open"
	prunesByAt       flaw = "Prune looks at the beginning alone"
	prunesYoung      flaw = "Prune deletes whatever it is asked to"
	pruneGoesOn      flaw = "Prune does not look at the context"
)

// found says which rule finds a flaw, by the beginning of its name.
var found = map[flaw]string{
	noCAS: "Begin compares", lowerCAS: "Begin compares", sameGeneration: "Begin stores", notAtomic: "of several concurrent Begins, one wins",
	overApplied: "applied is final", neverAgain: "an operation that did not happen", answersOwn: "Begin compares", readStores: "reading", readMissing: "an empty journal",
	anyEnd: "End of another", olderEnd: "End of another", lateEnd: "a late End", silentEnd: "a late End", plainEnd: "a late End",
	endOnce: "End can be repeated", endRewrites: "End can be repeated", endStoresAll: "End changes", endNotesNothing: "End as open",
	endCreates: "End of an operation that is not", ownerDropped: "Begin stores", fingerprintOnce: "Begin stores", tracesDropped: "Begin stores",
	fewTraces: "an entry is returned", floatNonce: "an entry is returned", signedNonce: "an entry is returned", millis: "an entry is returned",
	localTime: "an entry is returned", foldsCase: "similar IDs", trimsSpace: "similar IDs", cutsAtNUL: "an entry that cannot",
	cutsLong: "similar IDs", mendsUTF8: "an entry that cannot", sharesGiven: "no slice", sharesHeld: "no slice",
	ignoresContext: "an ended context ends the call", pendingAll: "Pending lists the open", pendingNothing: "Pending lists the open",
	pendingStale: "Pending lists no entry twice and no ended entry", pendingTwice: "Pending lists no entry twice", pendingGoesOn: "an ended context ends Pending",
	forgets: "acknowledged entries", forgetsEnds: "acknowledged entries", pendingForgotten: "acknowledged entries",
	firstOnce: "Begin stores", firstIsAt: "Begin stores", firstUnix: "an entry is returned", takesDropped: "Begin stores", takesSeconds: "Begin stores",
	endForgetsTimes: "End changes", repeatFails: "the same Begin once more",
	lockPerHandle: "of several concurrent Begins on two handles",
	prunesOpen:    "Prune keeps", prunesByAt: "Prune keeps", prunesYoung: "Prune refuses", pruneGoesOn: "an ended context ends Prune",
}

func TestRulesBite(t *testing.T) {
	t.Parallel()
	for f, rule := range found {
		t.Run(string(f), func(t *testing.T) {
			t.Parallel()
			err := journaltest.TestJournal(sketched(f))
			require.Error(t, err)
			require.Contains(t, "\n"+err.Error(), "\n"+rule)
		})
	}
	require.NoError(t, journaltest.TestJournal(sketched(none)), "without a flaw nothing is found")
}

func sketched(f flaw) func() (journaltest.Store, error) {
	return func() (journaltest.Store, error) {
		s := newSketch(f)
		return journaltest.Store{Journal: s, Beside: s.beside, Reopen: s.reopen}, nil
	}
}
