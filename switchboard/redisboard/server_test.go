//go:build unix

package redisboard_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"
)

// A server is a real one for these tests, on a socket of its own. It stops when its input
// ends, which the end of this process does too.
type server struct {
	once   sync.Once
	err    error
	folder string
	cmd    *exec.Cmd
	stop   func()
}

var shared server

// client starts the server if need be, and skips the test where there is none.
func (s *server) client(t testing.TB) *redis.Client {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("no redis-server here: apt-get install redis-server")
	}
	s.once.Do(func() { s.err = s.start() })
	require.NoError(t, s.err)
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: filepath.Join(s.folder, "redis.sock")})
	t.Cleanup(func() { require.NoError(t, c.Close()) })
	return c
}

func (s *server) start() (err error) {
	if s.folder, err = os.MkdirTemp("", "redis"); err != nil {
		return err
	}
	const script = `"$@" & server=$!; read -r _; kill -KILL $server; wait $server`
	s.cmd = exec.Command("/bin/sh", "-c", script, "sh", "redis-server",
		"--port", "0", "--unixsocket", filepath.Join(s.folder, "redis.sock"), "--dir", s.folder,
		"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--daemonize", "no")
	if os.Getuid() == 0 { // nothing here needs that
		s.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
		if err := os.Chown(s.folder, 65534, 65534); err != nil {
			return err
		}
	}
	s.cmd.Dir = s.folder
	input, err := s.cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := s.cmd.Start(); err != nil {
		return err
	}
	s.stop = func() {
		_ = input.Close()
		_ = s.cmd.Wait() // its status is that of a server that was killed
	}
	c := redis.NewClient(&redis.Options{Network: "unix", Addr: filepath.Join(s.folder, "redis.sock"), MaxRetries: -1})
	defer c.Close()
	for range 200 {
		if err = c.Ping(context.Background()).Err(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond) // a process that starts has no other sign
	}
	return fmt.Errorf("the server does not answer: %w", err)
}

func (s *server) close() error {
	if s.folder == "" {
		return nil
	}
	if s.stop != nil {
		s.stop()
	}
	return os.RemoveAll(s.folder)
}
