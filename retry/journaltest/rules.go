package journaltest

import "slices"

// rules are tested in this order, each on its own store.
var rules = slices.Concat(beginRules, endRules, entryRules, raceRules, besideRules, pendingRules, pruneRules, reopenRules)
