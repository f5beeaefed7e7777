package servertest_test

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/internal/servertest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// request is one that a server answers, with at least one byte.
var (
	ping = "PING\r\n"
	ssl  = "\x00\x00\x00\x08\x04\xd2\x16\x2f" // PostgreSQL's SSLRequest, answered with N
)

func ask(t *testing.T, socket, request string, wait time.Duration) error {
	t.Helper()
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return err
	}
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(wait)))
	if _, err := io.WriteString(conn, request); err != nil {
		return err
	}
	_, err = io.ReadFull(conn, make([]byte, 1))
	return err
}

// A server answers, answers nothing while it is paused, and is gone in the end, also if it
// is paused then.
func TestServers(t *testing.T) {
	postgres, redis := servertest.NewPostgres("-c", "fsync=off"), servertest.NewRedis()
	for _, tt := range []struct {
		name    string
		request string
		s       interface {
			Socket(testing.TB) string
			Pause() error
			Resume() error
			Stop() error
		}
	}{{"PostgreSQL", ssl, postgres}, {"Redis", ping, redis}} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			socket := tt.s.Socket(t)
			defer func() {
				require.NoError(t, tt.s.Stop())
				require.NoFileExists(t, socket)
				require.Error(t, ask(t, socket, tt.request, time.Second))
			}()
			require.Equal(t, socket, tt.s.Socket(t), "started once")
			require.NoError(t, ask(t, socket, tt.request, 10*time.Second))
			for range 2 {
				require.NoError(t, tt.s.Pause())
				require.ErrorIs(t, ask(t, socket, tt.request, 100*time.Millisecond), os.ErrDeadlineExceeded)
				require.NoError(t, tt.s.Resume())
				require.NoError(t, ask(t, socket, tt.request, 10*time.Second))
			}
			require.NoError(t, tt.s.Pause())
		})
	}
}

// skipped is a test that is skipped.
type skipped struct {
	testing.TB
	why string
}

var errSkipped = errors.New("skipped")

func (*skipped) Helper() {}

func (s *skipped) Skipf(format string, args ...any) {
	s.why = format
	for _, a := range args {
		s.why = strings.Replace(s.why, "%s", a.(string), 1)
	}
	panic(errSkipped)
}

// Without a server a test is skipped, and who reads it knows what to install.
func TestNone(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r, s := servertest.NewRedis(), &skipped{TB: t}
	require.PanicsWithValue(t, errSkipped, func() { r.Socket(s) })
	require.Equal(t, "no server of Redis here: apt-get install redis-server", s.why)
	require.NoError(t, r.Stop())
}
