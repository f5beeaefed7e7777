package programtest_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/programtest"
)

func TestMain(m *testing.M) {
	programtest.Main(m, func() {
		fmt.Println(os.Args[1:])
		fmt.Fprintln(os.Stderr, "done")
		if len(os.Args) > 2 {
			os.Exit(3)
		}
	})
}

func TestRun(t *testing.T) {
	out, log, code := programtest.Run(t, "-test.v")
	require.Equal(t, "[-test.v]\ndone\n0", fmt.Sprintf("%s%s%d", out, log, code))
	out, _, code = programtest.Run(t, "-a", "two words")
	require.Equal(t, "[-a two words]\n3", fmt.Sprintf("%s%d", out, code))
}
