package policyfile_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
	"github.com/nexpay-go/resilience/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// says is a file in which -32603 is sent so often.
func says(n string) []byte {
	return []byte("extends: nexpay\ncodes:\n  -32603: {attempts: " + n + "}\n")
}

// A watched file, and what its hooks hear. Time is virtual, so that no look at the file
// can fall into the middle of a write, unless a test wants it to.
type watched struct {
	*testing.T
	path    string
	changes chan int // sends of -32603
	errs    chan error
	refuse  atomic.Pointer[error]
}

func watch(t *testing.T, path string) *watched {
	t.Helper()
	w := &watched{T: t, path: path, changes: make(chan int, 10), errs: make(chan error, 10)}
	f, err := policyfile.Load(path)
	require.NoError(t, err)
	require.Equal(t, 2, f.Policies.Explain("-32603").MaxSends)
	watcher, err := policyfile.Watch(f, policyfile.WatchConfig{
		OnChange: func(f *policyfile.File) error {
			refuse := w.refuse.Load() // first: who hears of the change may refuse the next
			w.changes <- f.Policies.Explain("-32603").MaxSends
			if refuse != nil {
				return *refuse
			}
			return nil
		},
		OnError: func(err error) { w.errs <- err },
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		require.NoError(t, watcher.Close())
		require.NoError(t, watcher.Close())
	})
	return w
}

func (w *watched) hears(sends int) {
	w.Helper()
	select {
	case got := <-w.changes:
		require.Equal(w, sends, got)
	case <-time.After(10 * time.Second):
		w.Fatal("no change was heard of")
	}
}

func (w *watched) hearsOf(text string) {
	w.Helper()
	select {
	case err := <-w.errs:
		require.ErrorContains(w, err, text)
	case <-time.After(10 * time.Second):
		w.Fatal("no error was heard of")
	}
}

// quiet is a while in which nothing is heard.
func (w *watched) quiet() {
	w.Helper()
	time.Sleep(time.Minute)
	require.Empty(w, w.changes)
	require.Empty(w, w.errs)
}

func TestWatch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policies.yaml")
		require.NoError(t, os.WriteFile(path, says("2"), 0o600))
		w := watch(t, path)
		w.quiet()

		require.NoError(t, os.WriteFile(path, says("3"), 0o600)) // written in its place
		w.hears(3)
		require.NoError(t, os.WriteFile(path+".new", says("4"), 0o600)) // as editors do
		require.NoError(t, os.Rename(path+".new", path))
		w.hears(4)

		require.NoError(t, os.WriteFile(path, []byte("extends: nexpay\ncodes: {-32603: {attempts: many}}\n"), 0o600))
		w.hearsOf(`"many" is not a number`)
		w.quiet()
		require.NoError(t, os.Remove(path))
		w.hearsOf("no such file")
		w.quiet()
		require.NoError(t, os.WriteFile(path, says("4"), 0o600)) // as before, but not as last
		w.hears(4)

		w.refuse.Store(new(errors.New("not now")))
		require.NoError(t, os.WriteFile(path, says("5"), 0o600))
		w.hears(5)
		w.hearsOf("not now")
		w.quiet()
	})
}

// Several mistakes are several lines of a log, whole, and each once.
func TestWatchTellsMistakesOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policies.yaml")
		require.NoError(t, os.WriteFile(path, says("2"), 0o600))
		var lines []string
		r, err := retry.New(retry.Config{Policies: policy.Nexpay(), OnEvent: func(_ context.Context, e retry.Event) { lines = append(lines, e.Error) }})
		require.NoError(t, err)
		f, err := policyfile.Load(path)
		require.NoError(t, err)
		w, err := policyfile.Watch(f, policyfile.WatchConfig{
			OnChange: func(*policyfile.File) error {
				return errors.Join(errors.New("not now"), fmt.Errorf("nor later: %w", errors.Join(errors.New("x"), errors.New("y"))))
			},
			OnError: func(err error) {
				if told, ok := errors.AsType[*policyfile.Error](err); ok {
					err = &policyfile.Error{Name: "policies.yaml", Problems: told.Problems}
					require.Len(t, told.Problems, 1)
				}
				r.Warn(t.Context(), "policies.yaml", err.Error())
			},
		})
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, []byte("extends: nexpay\nattempt-timeout: 5\ncodes:\n  777: {attempts: 2}\n  100: {attempts: 2}\nrules:\n  - {code: 010, name: x, class: fatal}\n  - {code: 503, name: x, class: retry}\n"), 0o600))
		time.Sleep(time.Minute)
		require.NoError(t, os.WriteFile(path, says("3"), 0o600))
		time.Sleep(time.Minute)
		require.NoError(t, w.Close())
		require.Equal(t, []string{
			`policies.yaml:2:18: "5" is not a duration, such as 250ms, 10s or 2m, or none`,
			`policies.yaml:5:3: codes[100] (API key locked): attempts 2: a fatal error is not retryable`,
			`policies.yaml:7:12: without quotes YAML reads 010 as the number 8: write "010"`,
			`policies.yaml:8:12: code 503 looks like an HTTP status: a rule does not apply to answers with only a status; use statuses: {503: {…}} for those, or add i-am-sure: true if answers have this code in their body`,
			`policies.yaml:8:33: "retry" is not one of retryable, resync, fix-and-resend, fatal; did you mean retryable?`,
			"not now", "nor later: xy",
		}, lines)
	})
}

// Who writes into a file has it half, or empty, or not there for a moment: that is neither a change nor an error.
func TestWatchHalfWritten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policies.yaml")
		require.NoError(t, os.WriteFile(path, says("2"), 0o600))
		w := watch(t, path)
		time.Sleep(time.Second) // from here on between two looks
		for _, half := range []string{"", "exte", "extends: nexpay\ncodes:\n  -32603: {attempts: 3"} {
			require.NoError(t, os.WriteFile(path, []byte(half), 0o600))
			time.Sleep(2 * time.Second)
		}
		require.NoError(t, os.Remove(path))
		time.Sleep(2 * time.Second)
		require.NoError(t, os.WriteFile(path, says("4"), 0o600))
		began := time.Now()
		w.hears(4)
		require.Equal(t, 3*time.Second, time.Since(began), "the second look")
		w.quiet()
	})
}

// Kubernetes mounts a folder behind a link behind a link, and swaps the first.
func TestWatchSwappedLinks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		for name, sends := range map[string]string{"..one": "2", "..two": "3"} {
			require.NoError(t, os.Mkdir(filepath.Join(folder, name), 0o700))
			require.NoError(t, os.WriteFile(filepath.Join(folder, name, "policies.yaml"), says(sends), 0o600))
		}
		data, path := filepath.Join(folder, "..data"), filepath.Join(folder, "policies.yaml")
		require.NoError(t, os.Symlink("..one", data))
		require.NoError(t, os.Symlink(filepath.Join("..data", "policies.yaml"), path))
		w := watch(t, path)
		require.NoError(t, os.Symlink("..two", data+".new"))
		require.NoError(t, os.Rename(data+".new", data))
		w.hears(3)
	})
}

func TestWatchMistakes(t *testing.T) {
	_, err := policyfile.Watch(nil, policyfile.WatchConfig{Interval: 1})
	require.ErrorContains(t, err, "a File from Load")
	require.ErrorContains(t, err, "OnChange is nil")
	require.ErrorContains(t, err, "Interval 1ns is below 10ms")
	f, err := policyfile.Parse("policies.yaml", says("2"))
	require.NoError(t, err)
	_, err = policyfile.Watch(f, policyfile.WatchConfig{OnChange: func(*policyfile.File) error { return nil }})
	require.ErrorContains(t, err, "a File from Load")
}

// What changes between Load and Watch is heard of as well.
func TestWatchFromLoadOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policies.yaml")
		require.NoError(t, os.WriteFile(path, says("2"), 0o600))
		f, err := policyfile.Load(path)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(path, says("3"), 0o600))
		changes := make(chan int, 1)
		w, err := policyfile.Watch(f, policyfile.WatchConfig{OnChange: func(f *policyfile.File) error {
			changes <- f.Policies.Explain("-32603").MaxSends
			return nil
		}})
		require.NoError(t, err)
		defer w.Close()
		require.Equal(t, 3, <-changes)
	})
}

// What a program does: the tables change, and nothing that was learnt is forgotten.
func TestWatchAndReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "policies.yaml")
		require.NoError(t, os.WriteFile(path, says("2"), 0o600))
		f, err := policyfile.Load(path)
		require.NoError(t, err)
		r, err := retry.New(retry.Config{Policies: f.Policies})
		require.NoError(t, err)
		reloaded := make(chan bool, 1)
		w, err := policyfile.Watch(f, policyfile.WatchConfig{OnChange: func(f *policyfile.File) error {
			defer func() { reloaded <- true }()
			return r.Reload(f.Policies)
		}})
		require.NoError(t, err)
		defer w.Close()
		require.NoError(t, os.WriteFile(path, []byte("extends: nexpay\nrules: [{code: 777, name: new, class: fatal}]\n"), 0o600))
		<-reloaded
	})
}
