package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"
)

// A fleet has the worker processes.
type fleet struct {
	options
	task   task
	queue  *queue
	log    io.Writer
	printf func(format string, args ...any)

	mu      sync.Mutex
	all     []*process
	endings sync.WaitGroup
}

type process struct {
	name  string
	cmd   *exec.Cmd
	fate  string // what happened to it, for people
	meant bool   // whether its end was intended
}

// run starts the workers, kills one and stops another, and waits until all invoices are
// paid.
func (f *fleet) run(ctx context.Context) error {
	for n := range f.workers {
		if err := f.start(fmt.Sprintf("worker-%d", n+1)); err != nil {
			return errors.Join(err, f.end())
		}
	}
	if f.kill && f.workers > 1 && f.reached(ctx, f.invoices/4) {
		f.killOne(f.all[1])
	}
	if f.options.stop && f.workers > 2 && f.reached(ctx, f.invoices/2) {
		f.stopOne(ctx, f.all[2])
	}
	select {
	case <-f.queue.done:
	case <-ctx.Done():
	}
	return errors.Join(f.end(), ctx.Err())
}

func (f *fleet) start(name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	t := f.task
	t.Name = name
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), taskVariable+"="+t.String())
	cmd.Stderr = f.log
	if err := cmd.Start(); err != nil {
		return err
	}
	p := &process{name: name, cmd: cmd, fate: "ended when all was paid"}
	f.all = append(f.all, p)
	f.endings.Go(func() {
		err := cmd.Wait()
		f.mu.Lock()
		meant := p.meant
		f.mu.Unlock()
		if n := f.queue.dead(name); meant || err != nil {
			f.printf("%s is gone; %d invoices that it had taken are handed out again", name, n)
		}
	})
	return nil
}

// reached waits until that many invoices are paid. It returns false if ctx ends first or
// all are paid.
func (f *fleet) reached(ctx context.Context, paid int) bool {
	for f.queue.count() < paid {
		select {
		case <-ctx.Done():
			return false
		case <-f.queue.done:
			return false
		case <-time.After(20 * time.Millisecond):
		}
	}
	return true
}

func (f *fleet) killOne(p *process) {
	f.mu.Lock()
	p.meant, p.fate = true, "killed in the middle"
	f.mu.Unlock()
	f.printf("%s is killed", p.name)
	_ = p.cmd.Process.Kill()
}

// stopOne stops a process for twice the TTL. The process does not notice, and others take
// over its keys meanwhile.
func (f *fleet) stopOne(ctx context.Context, p *process) {
	if err := pause(p.cmd.Process); err != nil {
		f.printf("%s cannot be stopped here: %v", p.name, err)
		return
	}
	f.mu.Lock()
	p.fate = fmt.Sprintf("stopped for %v", 2*f.ttl)
	f.mu.Unlock()
	f.printf("%s is stopped for %v", p.name, 2*f.ttl)
	select {
	case <-time.After(2 * f.ttl):
	case <-ctx.Done():
	}
	_ = resume(p.cmd.Process)
	f.printf("%s goes on", p.name)
}

// end waits for the workers, which end when all invoices are paid.
func (f *fleet) end() error {
	done := make(chan struct{})
	go func() {
		f.endings.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-time.After(30 * time.Second):
	}
	for _, p := range f.all {
		_ = p.cmd.Process.Kill()
	}
	<-done
	return errors.New("workers did not end, and were killed")
}
