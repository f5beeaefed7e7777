package policyfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// WatchConfig configures [Watch].
type WatchConfig struct {
	// OnChange is called with the new content whenever the file has changed and is valid,
	// for example to call retry.Retrier.Reload. If it returns an error, OnError gets the
	// error, and OnChange is not called again until the file changes again. Required.
	OnChange func(*File) error

	// OnError is called when the file cannot be read or is invalid, once for each such
	// state. The content that was loaded before stays in force. OnError is called once
	// for each mistake, in the order of the file, with an [*Error] that has one Problem,
	// so that each is one line in a log. The same holds for an error of OnChange that
	// joins several. Nil: errors are dropped.
	OnError func(error)

	// Interval is how often the file is read. A change takes effect when it has been read
	// twice. Zero: 2 s; at least 10 ms.
	Interval time.Duration
}

const (
	defaultInterval = 2 * time.Second
	minInterval     = 10 * time.Millisecond
)

// A Watcher watches a file until it is closed. It is safe for concurrent use.
type Watcher struct {
	path   string
	cfg    WatchConfig
	cancel context.CancelFunc
	done   sync.WaitGroup

	seen   string // the content that was acted on last
	before string // the content that was read last
}

// Watch watches the file that f was loaded from, and calls OnChange for every change
// since [Load]. It returns an error that lists everything wrong with the configuration,
// or says that f was not loaded from a file.
//
//	f, err := policyfile.Load("policies.yaml")
//	…
//	r, err := retry.New(retry.Config{Policies: f.Policies})
//	…
//	w, err := policyfile.Watch(f, policyfile.WatchConfig{
//		OnChange: func(f *policyfile.File) error { return r.Reload(f.Policies) },
//	})
//	…
//	defer w.Close()
//
// Watch reads the file at every Interval and compares the content. So it works with
// editors that replace the file, with Kubernetes, which swaps a link to a folder, and
// with network file systems that do not report changes. A pipe or a device in its place
// is an error. Hooks run one at a time, in a
// goroutine of the Watcher, and not after Close has returned. They must not call Close. A
// panic in a hook ends the program, as in any goroutine.
func Watch(f *File, cfg WatchConfig) (*Watcher, error) {
	var errs []error
	if f == nil || f.path == "" {
		errs = append(errs, errors.New("policyfile: Watch needs a File from Load"))
	}
	if cfg.OnChange == nil {
		errs = append(errs, errors.New("policyfile: WatchConfig.OnChange is nil: set it to use the changes"))
	}
	if cfg.Interval == 0 {
		cfg.Interval = defaultInterval
	}
	if cfg.Interval < minInterval {
		errs = append(errs, fmt.Errorf("policyfile: WatchConfig.Interval %v is below %v", cfg.Interval, minInterval))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	w := &Watcher{path: f.path, cfg: cfg, cancel: cancel, seen: f.text, before: f.text}
	w.done.Go(func() { w.run(ctx) })
	return w, nil
}

// Close stops watching and waits for a running hook to return. Further calls do nothing.
func (w *Watcher) Close() error {
	w.cancel()
	w.done.Wait()
	return nil
}

func (w *Watcher) run(ctx context.Context) {
	ticker := time.NewTicker(w.cfg.Interval)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			w.poll()
		}
	}
}

// poll reads the file, and acts if it has changed since the last action and not since the
// last poll: while somebody writes the file, it may be empty, incomplete or missing for a
// moment.
func (w *Watcher) poll() {
	data, err := readRegular(w.path)
	now := string(data)
	if err != nil {
		now = "cannot be read: " + err.Error()
	}
	settled := now == w.before
	w.before = now
	switch {
	case !settled || now == w.seen:
		return
	case err != nil:
		w.seen = now
		w.report(err)
		return
	}
	w.seen = now
	f, err := loaded(w.path, data)
	if err == nil {
		err = w.cfg.OnChange(f)
	}
	if err != nil {
		w.report(err)
	}
}

func (w *Watcher) report(err error) {
	if w.cfg.OnError == nil {
		return
	}
	for _, one := range apart(err) {
		w.cfg.OnError(one)
	}
}

// apart returns the mistakes that an error reports together.
func apart(err error) (all []error) {
	switch e := err.(type) {
	case *Error:
		for _, p := range e.Problems {
			all = append(all, &Error{e.Name, []Problem{p}})
		}
		return all
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			all = append(all, apart(one)...)
		}
		return all
	}
	return []error{err}
}

// readRegular is read for a regular file only: opening a pipe would block until somebody
// writes, and Close with it.
func readRegular(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &os.PathError{Op: "read", Path: path, Err: errors.New("not a regular file")}
	}
	return read(path)
}

// read reads a file, at most one byte more than the limit.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}
