package servertest

import (
	"errors"
	"io"
	"net"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// A Redis is a server of Redis that keeps nothing on a disk.
type Redis struct{ server }

// NewRedis returns a server that is not started yet.
func NewRedis() *Redis {
	return &Redis{server{name: "Redis", install: "apt-get install redis-server"}}
}

// Socket returns the path of the server's socket. It starts the server if need be, and skips
// the test where there is none.
func (r *Redis) Socket(t testing.TB) string {
	t.Helper()
	r.need(t, r.start)
	return r.socket()
}

func (r *Redis) socket() string { return filepath.Join(r.folder, "redis.sock") }

func (r *Redis) start() error {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return errNone
	}
	if err := r.house("redis"); err != nil {
		return err
	}
	err = r.serve("KILL", program, "--port", "0", "--unixsocket", r.socket(), "--dir", r.folder,
		"--save", "", "--appendonly", "no", "--maxmemory-policy", "noeviction", "--daemonize", "no")
	if err != nil {
		return err
	}
	return r.await(r.ready)
}

// ready asks the server.
func (r *Redis) ready() error {
	conn, err := net.DialTimeout("unix", r.socket(), time.Second)
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(time.Second)); err != nil {
		return err
	}
	if _, err := io.WriteString(conn, "PING\r\n"); err != nil {
		return err
	}
	answer := make([]byte, len("+PONG\r\n"))
	if _, err := io.ReadFull(conn, answer); err != nil {
		return err
	}
	if string(answer) != "+PONG\r\n" {
		return errors.New("it does not answer a PING")
	}
	return nil
}
