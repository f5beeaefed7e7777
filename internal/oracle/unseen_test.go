package oracle_test

// Why nothing can be seen of a mutant from outside.
const (
	behindAnyway = "every lookup begins after the send has returned, in the same goroutine"
	risesAnyway  = "the nonces of a lane rise, so that of a lookup after a send of one's own is above it anyway"
	beginsAgain  = "the journal is asked to begin once more before the end, which costs a write"
	asksAgain    = "it is asked once more, and finds out the same"
	tooRare      = "reached once in some million schedules, which the walk through the table need not wait for"
)

// unseen are the mutants that the schedules do not find out, and why.
var unseen = map[string]string{
	"Clear Begun [doubt > 1 h] → Unknown (M5): gone":                                           tooRare,
	"Clear Begun [doubt > 1 h] → Unknown (M5): leads to NotApplied":                            tooRare,
	"Clear Begun → Sending (M6): does not note fence":                                          risesAnyway,
	"Clear Begun → Sending (M6): does not note of this call":                                   beginsAgain,
	"Clear HeldOther → NotApplied (M6): gone":                                                  "nothing is sent, and it is refused for another reason",
	"Clear JournalFailed → Unknown (M6): gone":                                                 "closing asks the journal again, and knows its own Begins",
	"Clear Overtaken [it happened] → Fetch (M6): leads to Clear":                               asksAgain,
	"Clear Overtaken → Busy (M6): gone":                                                        asksAgain,
	"Clear Stopped [ever in doubt, refused for good] → Denied (M4): does not note returned":    behindAnyway,
	"Clear Stopped [ever in doubt, refused for good] → Denied (M4): gone":                      tooRare,
	"Clear Stopped [ever in doubt, refused for good] → Denied (M4): leads to Closing":          tooRare,
	"Denied FoundApplied → Applied (M4): gone":                                                 tooRare,
	"Denied FoundApplied → Applied (M4): leads to Unknown":                                     tooRare,
	"Doubt Begun [within the window] → Sending (M10): does not note fence":                     risesAnyway,
	"Doubt Begun [within the window] → Sending (M10): does not note of this call":              beginsAgain,
	"Doubt Begun [within the window] → Sending (M10): without [within the window]":             tooRare,
	"Doubt Overtaken [it happened] → Fetch (M6): leads to Clear":                               asksAgain,
	"Half FoundAbsent [behind, Settle later, doubt ≤ 1 h] → Clear (M4): without [doubt ≤ 1 h]": "the Begin before the send asks the same",
	"Half FoundAbsent [behind, Settle later] → Unknown (M5): gone":                             "it looks on, gives up, and says the same",
	"Sending Proved [ever in doubt, refused for good] → Denied (M4): does not note returned":   behindAnyway,
	"Sending Proved [of a replay] → Doubt (M10): does not note returned":                       behindAnyway,
	"Sending Unproved → Doubt (M3): does not note returned":                                    behindAnyway,
	"Sending Unsent [of a replay] → Doubt (M10): does not note returned":                       behindAnyway,
	"proof: the error of another call is one's own":                                            "the verdict on such an error claims nothing",
	"Start HeldApplied → Fetch (M6): leads to Clear":                                           asksAgain,
	"age: what comes from the future is young":                                                 "the engine remembers besides that the entry came from the future",
}
