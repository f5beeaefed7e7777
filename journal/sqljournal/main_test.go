package sqljournal_test

import (
	"errors"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		if errors.Is(postgres.err, errNoServer) {
			fmt.Println("sqljournal: the tests against PostgreSQL were skipped; they need its server: apt-get install postgresql")
		}
		if err := errors.Join(postgres.stop(), os.RemoveAll(freshIn)); err != nil {
			_, _ = os.Stderr.WriteString(err.Error() + "\n")
			code = 1
		}
		os.Exit(code)
	}))
}
