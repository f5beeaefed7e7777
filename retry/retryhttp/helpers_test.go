package retryhttp_test

import (
	"net"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

var refusedConnection error = &net.OpError{Op: "dial", Net: "tcp", Err: syscall.ECONNREFUSED}

func newGroup(t *testing.T) *breaker.Group {
	t.Helper()
	group, err := breaker.NewGroup(breaker.Config{}, 0)
	require.NoError(t, err)
	return group
}
