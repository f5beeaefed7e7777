// Package servertest starts servers of PostgreSQL and Redis for tests, where their programs
// are installed: as an unprivileged process, in a folder of its own, on a Unix socket. It
// knows no driver: it returns where the server is.
package servertest

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// A server is a process that the first test that needs it starts. It does not outlive the
// process of the tests.
type server struct {
	name, install string // of the program, and how to get it

	once   sync.Once
	err    error // why it did not start
	folder string
	input  io.Closer // the server ends when it is closed
	cmd    *exec.Cmd
}

// said are the names of servers whose tests were skipped, which is printed once.
var said sync.Map

// errNone is no fault: the tests are skipped.
var errNone = errors.New("there is none")

// need starts the server if need be, and skips the test where there is none.
func (s *server) need(t testing.TB, start func() error) {
	t.Helper()
	s.once.Do(func() { s.err = start() })
	if errors.Is(s.err, errNone) {
		t.Skipf("no server of %s here: %s", s.name, s.install)
	}
	if s.err != nil {
		t.Fatalf("the server of %s did not start: %v", s.name, s.err)
	}
}

// Stop ends the server and removes its folder; for TestMain. Where tests were skipped, it
// prints why.
func (s *server) Stop() error {
	if errors.Is(s.err, errNone) {
		if _, before := said.LoadOrStore(s.name, true); !before {
			fmt.Printf("the tests against %s were skipped, as it is not here: %s\n", s.name, s.install)
		}
	}
	if s.folder == "" {
		return nil
	}
	if s.input != nil {
		_ = s.input.Close()
		_ = s.cmd.Wait() // its status is that of a server that was killed
	}
	return os.RemoveAll(s.folder)
}

// await waits until the server is ready, which it shows by no other sign.
func (s *server) await(ready func() error) (err error) {
	for range 1500 {
		if err = ready(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	log, _ := os.ReadFile(s.folder + "/log")
	return fmt.Errorf("it is not ready: %w: %s", err, log)
}
