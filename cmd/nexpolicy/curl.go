package main

import "regexp"

var (
	// What curl -v says of the exchange itself, and how it marks heads.
	verbose    = regexp.MustCompile(`(?m)^< HTTP/`)
	remarks    = regexp.MustCompile(`(?m)^(?:[*>](?: .*)?|[{}] \[[0-9]+ bytes data\])\r?\n?`)
	behindBody = regexp.MustCompile(`(?m)([}\]>])\* [^"\n]*$`)
	marks      = regexp.MustCompile(`(?m)^<(?: |(\r?)$)`)

	// The progress meter, and the bar of -#, which curl prints where its output is no
	// terminal: what follows stands in the same line.
	metered = regexp.MustCompile(`(?m)^ +% Total +% Received|^\r?#* +[0-9]+\.[0-9]%|^\r#`)
	meter   = regexp.MustCompile(`(?m)^ +% Total .*\n? +Dload .*\n?|(?:^|\r)[ 0-9.kMGTP]*(?: +[-0-9]+:[-0-9]+:[-0-9]+){3} +[0-9.]+[kMGTP]?(?:\r?\n)?|(?:(?:^|\r)[-#O= ]*)+[0-9]+\.[0-9]%`)
)

// bare takes away what curl says of itself.
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
