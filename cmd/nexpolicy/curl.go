package main

import "regexp"

var (
	// What curl -v prints about the exchange, and how it marks headers.
	verbose    = regexp.MustCompile(`(?m)^< HTTP/`)
	remarks    = regexp.MustCompile(`(?m)^(?:[*>](?: .*)?|[{}] \[[0-9]+ bytes data\])\r?\n?`)
	behindBody = regexp.MustCompile(`(?m)([}\]>])\* [^"\n]*$`)
	marks      = regexp.MustCompile(`(?m)^<(?: |(\r?)$)`)

	// The progress meter, and the bar of -#, which curl prints if its output is not a
	// terminal. The text that follows is on the same line.
	metered = regexp.MustCompile(`(?m)^ +% Total +% Received|^\r?#* +[0-9]+\.[0-9]%|^\r#`)
	meter   = regexp.MustCompile(`(?m)^ +% Total .*\n? +Dload .*\n?|(?:^|\r)[ 0-9.kMGTP]*(?: +[-0-9]+:[-0-9]+:[-0-9]+){3} +[0-9.]+[kMGTP]?(?:\r?\n)?|(?:(?:^|\r)[-#O= ]*)+[0-9]+\.[0-9]%`)
)

// bare removes what curl prints about itself.
func bare(pasted []byte) []byte {
	if metered.Match(pasted) {
		pasted = meter.ReplaceAll(pasted, nil)
	}
	if verbose.Match(pasted) {
		pasted = behindBody.ReplaceAll(remarks.ReplaceAll(pasted, nil), []byte("$1"))
		pasted = marks.ReplaceAll(pasted, []byte("$1"))
	}
	return pasted
}
