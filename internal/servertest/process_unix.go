//go:build unix

package servertest

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// house makes the server's folder, which is that of who the server runs as.
func (s *server) house(name string) (err error) {
	if s.folder, err = os.MkdirTemp("", name); err != nil {
		return err
	}
	account, err := unprivileged()
	if err != nil || account == nil {
		return err
	}
	return os.Chown(s.folder, int(account.Uid), int(account.Gid))
}

// run runs a command to its end, as who the server runs as.
func (s *server) run(name string, args ...string) error {
	cmd, err := s.command(name, args...)
	if err != nil {
		return err
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(name), err, out)
	}
	return nil
}

// serve leaves the server to a shell that ends it by a signal when its own input ends: so it
// does not outlive these tests, however they end, and though it be paused.
func (s *server) serve(signal string, args ...string) error {
	script := `"$@" & server=$!; echo $server >pid; read -r _; kill -` + signal + ` $server; kill -CONT $server; wait $server`
	cmd, err := s.command("/bin/sh", append([]string{"-c", script, "sh"}, args...)...)
	if err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(s.folder, "log"))
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	input, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s.input, s.cmd = input, cmd
	return nil
}

func (s *server) command(name string, args ...string) (*exec.Cmd, error) {
	account, err := unprivileged()
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(name, args...)
	cmd.Dir = s.folder
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: account}
	return cmd, nil
}

// unprivileged is who servers run as, because PostgreSQL refuses to run as root, and Redis
// needs it not; nil for whoever is not root.
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

// Pause stops the server by SIGSTOP until Resume: connections stay, nothing is answered. On
// Linux so are the processes of its connections, which PostgreSQL has.
func (s *server) Pause() error { return s.signal(syscall.SIGSTOP) }

// Resume has the server go on.
func (s *server) Resume() error { return s.signal(syscall.SIGCONT) }

func (s *server) signal(signal syscall.Signal) error {
	text, err := os.ReadFile(filepath.Join(s.folder, "pid"))
	if err != nil {
		return err
	}
	first, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil {
		return err
	}
	errs := syscall.Kill(first, signal) // before the others, that it make no more of them
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", first, first))
	for child := range strings.FieldsSeq(string(children)) {
		pid, err := strconv.Atoi(child)
		if err == nil {
			err = syscall.Kill(pid, signal)
		}
		if err != nil && !errors.Is(err, syscall.ESRCH) { // it has ended
			errs = errors.Join(errs, err)
		}
	}
	return errs
}
