package lint_test

import (
	"fmt"
	"os"
	"testing"
)

// The rules speak of paths from the root.
func TestMain(m *testing.M) {
	if err := os.Chdir("../.."); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}
