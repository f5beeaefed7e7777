package boltjournal_test

import (
	"os"
	"testing"

	"go.uber.org/goleak"
)

// Some tests need another process, which is this program again.
const childEnv = "BOLTJOURNAL_TEST_CHILD"

var children = map[string]func(path string) error{
	"begin until killed": beginUntilKilled,
	"hold until told":    holdUntilTold,
	"pay until the end":  payUntilTheEnd,
}

func TestMain(m *testing.M) {
	if child := children[os.Getenv(childEnv)]; child != nil {
		if err := child(os.Args[1]); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			os.Exit(1)
		}
		return
	}
	goleak.VerifyTestMain(m)
}
