package policyfile

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// WatchConfig says what to do about a file that changes.
type WatchConfig struct {
	// OnChange is given what the file says now, whenever that has changed and is
	// right: for retry.Retrier.Reload above all. An error of it is told to OnError,
	// and OnChange is not called again before the file changes again. Required.
	OnChange func(*File) error

	// OnError hears of a file that cannot be read or is wrong, once for each such
	// state: what was loaded before stays in force. Of several mistakes it hears one
	// by one, in the order of the file, each an [*Error] with one Problem, so that
	// each is a line of its own in a log; and so of an error of OnChange that joins
	// several. Nil: nobody hears.
	OnError func(error)

	// Interval is how often the file is read; a change is acted on when it has been
	// read twice. Zero: 2 s; at least 10 ms.
	Interval time.Duration
}

const (
	defaultInterval = 2 * time.Second
	minInterval     = 10 * time.Millisecond
)

// A Watcher follows a file until it is closed. It is safe for concurrent use.
type Watcher struct {
	path   string
	cfg    WatchConfig
	cancel context.CancelFunc
	done   sync.WaitGroup

	seen   string // what was acted on last
	before string // what was read last
}

// Watch follows the file that f was loaded from: of whatever has changed since [Load],
// OnChange hears. An error tells everything that is wrong with the configuration, or
// that f was not loaded from a file.
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
// The file is read again and again and compared. That is blind to nothing: editors
// that put another file in its place, Kubernetes that swaps a link to a folder, and
// network file systems that tell nobody of changes. Hooks run one at a time, in a
// goroutine of the Watcher's, and not after Close has returned; they must not
// call Close. A panic in one ends the program, as in any goroutine.
func Watch(f *File, cfg WatchConfig) (*Watcher, error) {
	var errs []error
	if f == nil || f.path == "" {
		errs = append(errs, errors.New("policyfile: Watch needs a File that Load has returned"))
	}
	if cfg.OnChange == nil {
		errs = append(errs, errors.New("policyfile: WatchConfig.OnChange is nil: nobody would hear of changes"))
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

// Close ends the watching, and waits for a hook that is running. Closing again does
// nothing.
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
			w.look()
		}
	}
}

// look reads the file, and acts if it has changed, and stayed so since the last
// look: who writes into it has it empty, or half, or not there for a moment.
func (w *Watcher) look() {
	data, err := read(w.path)
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
		w.tell(err)
		return
	}
	w.seen = now
	f, err := loaded(w.path, data)
	if err == nil {
		err = w.cfg.OnChange(f)
	}
	if err != nil {
		w.tell(err)
	}
}

func (w *Watcher) tell(err error) {
	if w.cfg.OnError == nil {
		return
	}
	for _, one := range apart(err) {
		w.cfg.OnError(one)
	}
}

// apart are the mistakes that an error tells at once.
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

// read reads a file that is no larger than it may be; of a larger one a byte more.
func read(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(f)
}
