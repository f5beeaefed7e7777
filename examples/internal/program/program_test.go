package program_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/examples/internal/program"
)

func TestExitCode(t *testing.T) {
	for _, row := range []struct {
		err  error
		code int
		log  string
	}{
		{nil, 0, ""},
		{flag.ErrHelp, 0, ""},
		{fmt.Errorf("%w: 3 are missing", program.ErrResult), 1, ""},
		{errors.New("no such file"), 2, "name: no such file\n"},
	} {
		var log bytes.Buffer
		require.Equal(t, row.code, program.ExitCode("name", &log, row.err), row.err)
		require.Equal(t, row.log, log.String())
	}
}
