package policyfile

import (
	"bytes"
	"regexp"
)

// A document may begin with directives, among blank lines and comments.
var version12 = regexp.MustCompile(`\A(?:\x{feff})?(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*?%YAML[ \t]+1\.(2)[ \t\r\n]`)

// as11 lets a document that says it is YAML 1.2 say 1.1, which is all that the
// library accepts by name. It reads both alike, and what they differ in (yes and no,
// numbers that begin with 0) is read from the text here.
func as11(data []byte) []byte {
	at := version12.FindSubmatchIndex(data)
	if at == nil {
		return data
	}
	data = bytes.Clone(data)
	data[at[2]] = '1'
	return data
}
