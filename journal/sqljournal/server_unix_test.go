//go:build unix

package sqljournal_test

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

func (s *server) start() error {
	bin, err := binaries()
	if err != nil {
		return err
	}
	account, err := unprivileged()
	if err != nil {
		return err
	}
	if s.folder, err = newFolder(account); err != nil {
		return err
	}
	made, err := fresh()
	if err != nil {
		return err
	}
	data := filepath.Join(s.folder, "data")
	if out, err := command(account, s.folder, "cp", "-R", made, data).CombinedOutput(); err != nil {
		return fmt.Errorf("cp: %w: %s", err, out)
	}
	if s.standby {
		if err := os.WriteFile(filepath.Join(data, "standby.signal"), nil, 0o644); err != nil {
			return err
		}
	}
	args := []string{filepath.Join(bin, "postgres"), "-D", data, "-k", s.folder, "-c", "listen_addresses="}
	return s.serve(account, append(args, s.args...)...)
}

// fresh is the data of a server that has never run. It is made once: to copy it takes a
// third of the time.
var fresh = sync.OnceValues(func() (data string, err error) {
	bin, err := binaries()
	if err != nil {
		return "", err
	}
	account, err := unprivileged()
	if err != nil {
		return "", err
	}
	if freshIn, err = newFolder(account); err != nil {
		return "", err
	}
	data = filepath.Join(freshIn, "data")
	initdb := command(account, freshIn, filepath.Join(bin, "initdb"), "-D", data, "-U", "journal", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
	if out, err := initdb.CombinedOutput(); err != nil {
		return "", fmt.Errorf("initdb: %w: %s", err, out)
	}
	return data, nil
})

// newFolder makes one that belongs to the account.
func newFolder(account *syscall.Credential) (string, error) {
	folder, err := os.MkdirTemp("", "postgres")
	if err == nil && account != nil {
		err = os.Chown(folder, int(account.Uid), int(account.Gid))
	}
	return folder, err
}

// serve leaves the server to a shell that kills it when its own input ends: so it
// does not outlive these tests, however they end.
func (s *server) serve(account *syscall.Credential, args ...string) error {
	const script = `"$@" & server=$!; read -r _; kill -QUIT $server; wait $server`
	s.cmd = command(account, s.folder, "/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
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

func command(account *syscall.Credential, folder, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	return cmd
}

// binaries finds the folder of initdb and postgres: on the PATH, or where Debian has
// them, which is not on it.
func binaries() (string, error) {
	found, err := exec.LookPath("initdb")
	if err != nil {
		debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
		if len(debian) == 0 {
			return "", errNoServer
		}
		found = debian[len(debian)-1]
	}
	if found, err = filepath.EvalSymlinks(found); err != nil { // postgres is beside it
		return "", err
	}
	return filepath.Dir(found), nil
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
