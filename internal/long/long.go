// Package long has the flag -long for tests that have a long version. go test runs the short
// one, which a person waits for; .ci/run runs both. The flag goes behind the packages, as in
// go test ./internal/oracle -long: go test takes no package behind a flag that it does not know.
package long

import "flag"

var tests = flag.Bool("long", false, "run the long versions of the tests")

// Tests reports whether the long versions are to run.
func Tests() bool { return *tests }
