package failure_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/internal/failure"
)

type code int

func (c code) Error() string { return "secret" }

func name(err error) (string, bool) {
	c, ok := err.(code)
	return fmt.Sprintf("code %d", c), ok
}

func TestSafeError(t *testing.T) {
	t.Parallel()
	secret := errors.New("secret")
	endless := &loop{}
	for _, row := range []struct {
		err  error
		want string
	}{
		{context.DeadlineExceeded, "context deadline exceeded"},
		{fmt.Errorf("secret: %w", context.Canceled), "context canceled"},
		{&fs.PathError{Op: "write", Path: "/secret", Err: syscall.ENOSPC}, "write: no space left on device"},
		{&fs.PathError{Op: "write", Path: "/secret", Err: secret}, "write: *errors.errorString"},
		{&os.LinkError{Op: "rename", Old: "secret", New: "secret", Err: syscall.EXDEV}, "rename: invalid cross-device link"},
		{&net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(10, 0, 0, 1)}, Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)},
			"dial: connect: connection refused"},
		{&net.OpError{Op: "dial", Err: &net.DNSError{Name: "secret", IsNotFound: true}}, "dial: the host name was not resolved"},
		{fmt.Errorf("secret: %w", code(7)), "code 7"},
		{errors.Join(secret, code(7), sql.ErrConnDone, code(7)), "code 7; sql: connection is already closed"},
		{failure.Wrap("as it is", secret), "as it is"},
		{fmt.Errorf("secret: %w", failure.Hide("another", secret)), "another"},
		{fmt.Errorf("secret: %w", secret), "*errors.errorString"},
		{endless, "*failure_test.loop"},
	} {
		err := &failure.Error{Call: "journal: begin", Err: row.err, Name: name}
		require.Equal(t, "journal: begin: "+row.want, err.SafeError(), "%#v", row.err)
		require.ErrorIs(t, err, row.err)
	}
	require.Equal(t, "secret", failure.Hide("another", secret).Error())
	require.Equal(t, "journal: end: failure_test.code", (&failure.Error{Call: "journal: end", Err: code(7)}).SafeError(), "without a Name")
}

// A loop wraps itself, and ends only with those who count.
type loop struct{}

func (*loop) Error() string   { return "secret" }
func (l *loop) Unwrap() error { return l }
