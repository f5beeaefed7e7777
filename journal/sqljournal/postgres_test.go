//go:build unix

package sqljournal_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
	"github.com/stretchr/testify/require"
)

// postgres is a real server for these tests, started by the first that needs it. It
// does not wait for the disk.
var postgres = server{args: []string{"-c", "fsync=off"}}

type server struct {
	args    []string
	standby bool // of a primary that there is not

	once   sync.Once
	err    error // why it did not start
	folder string
	stdin  io.Closer // the server stops when it is closed, which the end of this process does too
	cmd    *exec.Cmd
}

// dsn starts the server if need be.
func (s *server) dsn(t testing.TB, more ...string) string {
	t.Helper()
	s.once.Do(func() { s.err = s.start() })
	require.NoError(t, s.err)
	return "host=" + s.folder + " user=journal dbname=postgres sslmode=disable " + strings.Join(more, " ")
}

func openPostgres(t testing.TB, more ...string) *sql.DB {
	t.Helper()
	return openServer(t, &postgres, more...)
}

func openServer(t testing.TB, s *server, more ...string) *sql.DB {
	t.Helper()
	db, err := sql.Open("pgx", s.dsn(t, more...))
	require.NoError(t, err)
	db.SetMaxIdleConns(8) // each connection is a process of the server
	t.Cleanup(func() { require.NoError(t, db.Close()) })
	return db
}

func (s *server) start() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	if s.folder, err = os.MkdirTemp("", "postgres"); err != nil {
		return err
	}
	account, err := unprivileged()
	if err != nil {
		return err
	}
	if account != nil {
		if err := os.Chown(s.folder, int(account.Uid), int(account.Gid)); err != nil {
			return err
		}
	}
	data := filepath.Join(s.folder, "data")
	initdb := s.command(account, filepath.Join(bin, "initdb"), "-D", data, "-U", "journal", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, out)
	}
	if s.standby {
		if err := os.WriteFile(filepath.Join(data, "standby.signal"), nil, 0o644); err != nil {
			return err
		}
	}
	args := []string{filepath.Join(bin, "postgres"), "-D", data, "-k", s.folder, "-c", "listen_addresses="}
	return s.serve(account, append(args, s.args...)...)
}

// serve leaves the server to a shell that kills it when its own input ends: so it
// does not outlive these tests, however they end.
func (s *server) serve(account *syscall.Credential, args ...string) error {
	const script = `"$@" & server=$!; read -r _; kill -QUIT $server; wait $server`
	s.cmd = s.command(account, "/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
	log, err := os.Create(filepath.Join(s.folder, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.cmd.Stdout, s.cmd.Stderr = log, log
	if s.stdin, err = s.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	return s.await()
}

func (s *server) await() error {
	db, err := sql.Open("pgx", "host="+s.folder+" user=journal dbname=postgres sslmode=disable")
	if err != nil {
		return err
	}
	defer db.Close()
	for range 600 {
		if err = db.PingContext(context.Background()); err == nil {
			return nil
		}
		time.Sleep(50 * time.Millisecond) // a process that starts has no other sign
	}
	log, _ := os.ReadFile(filepath.Join(s.folder, "log"))
	return fmt.Errorf("the server does not answer: %w: %s", err, log)
}

func (s *server) stop() error {
	if s.folder == "" {
		return nil
	}
	if s.stdin != nil {
		_ = s.stdin.Close()
		_ = s.cmd.Wait() // its status is that of a server that was killed
	}
	return os.RemoveAll(s.folder)
}

func (s *server) command(account *syscall.Credential, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	return cmd
}

// binaries finds the folder of initdb and postgres: where Debian has them, of the
// newest version, or on the PATH.
func binaries() (string, error) {
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb"); len(found) > 0 {
		return filepath.Dir(found[len(found)-1]), nil
	}
	if found, err := exec.LookPath("initdb"); err == nil {
		return filepath.Dir(found), nil
	}
	return "", errors.New("these tests need the server of PostgreSQL, which is not installed: apt-get update && apt-get install -y postgresql")
}

// unprivileged is who the server runs as, because it refuses to run as root; nil for
// whoever is not root.
func unprivileged() (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(nobody.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(nobody.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}
