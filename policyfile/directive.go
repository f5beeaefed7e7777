package policyfile

import (
	"bytes"
	"regexp"
)

// A document may begin with directives, among blank lines and comments.
var version12 = regexp.MustCompile(`\A(?:\x{feff})?(?:[ \t]*(?:#[^\n]*)?\r?\n|%[^\n]*\n)*?%YAML[ \t]+1\.(2)[ \t\r\n]`)

// as11 changes a declared version YAML 1.2 to 1.1, the only one that the library accepts.
// The library reads both alike. Where they differ (yes and no, numbers that begin with
// 0), this package reads the text itself.
func as11(data []byte) []byte {
	at := version12.FindSubmatchIndex(data)
	if at == nil {
		return data
	}
	data = bytes.Clone(data)
	data[at[2]] = '1'
	return data
}
