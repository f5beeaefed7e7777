package servertest

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A Postgres is a server of PostgreSQL, with a user "test" and a database "postgres".
type Postgres struct {
	server
	args    []string
	standby bool
}

// NewPostgres returns a server that is not started yet. Args are its arguments, such as
// "-c", "fsync=off".
func NewPostgres(args ...string) *Postgres {
	return &Postgres{server: server{name: "PostgreSQL", install: "apt-get install postgresql"}, args: args}
}

// NewStandby is NewPostgres for a standby of a primary that there is not.
func NewStandby(args ...string) *Postgres {
	p := NewPostgres(args...)
	p.standby = true
	return p
}

// DSN returns where the server is. More settings go behind, and the last of a name holds. It
// starts the server if need be, and skips the test where there is none.
func (p *Postgres) DSN(t testing.TB, more ...string) string {
	t.Helper()
	p.need(t, p.start)
	return strings.Join(append([]string{"host=" + p.folder + " user=test dbname=postgres sslmode=disable"}, more...), " ")
}

// Socket is like DSN; it returns the path of the socket.
func (p *Postgres) Socket(t testing.TB) string {
	t.Helper()
	p.need(t, p.start)
	return filepath.Join(p.folder, ".s.PGSQL.5432")
}

func (p *Postgres) start() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	if err := p.house("postgres"); err != nil {
		return err
	}
	data := filepath.Join(p.folder, "data")
	if err := p.run(filepath.Join(bin, "initdb"), "-D", data, "-U", "test", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"); err != nil {
		return err
	}
	if p.standby {
		if err := os.WriteFile(filepath.Join(data, "standby.signal"), nil, 0o644); err != nil {
			return err
		}
	}
	args := []string{filepath.Join(bin, "postgres"), "-D", data, "-k", p.folder, "-c", "listen_addresses="}
	if err := p.serve("QUIT", append(args, p.args...)...); err != nil {
		return err
	}
	return p.await(func() error { return p.ready(data) })
}

// ready reads what pg_ctl goes by: the last line of the server's own file says how it is.
func (p *Postgres) ready(data string) error {
	text, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if strings.TrimSpace(lines[len(lines)-1]) != "ready" {
		return errors.New("it starts")
	}
	return nil
}

// binaries finds the folder of initdb and postgres: on the PATH, or where Debian has them,
// which is not on it.
func binaries() (string, error) {
	found, err := exec.LookPath("initdb")
	if err != nil {
		debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(debian) == 0 {
			return "", errNone
		}
		found = debian[len(debian)-1]
	}
	if found, err = filepath.EvalSymlinks(found); err != nil { // postgres is beside it
		return "", err
	}
	return filepath.Dir(found), nil
}
