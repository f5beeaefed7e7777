package journaltest

import "slices"

// rules are tested in this order, each on a store of its own.
var rules = slices.Concat(beginRules, endRules, entryRules, raceRules, besideRules, pendingRules, pruneRules, reopenRules)
