package boltjournal_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/journal/boltjournal"
	"github.com/nexpay-go/resilience/retry"
)

// beginUntilKilled is a process that begins payments, ends every other one, and
// tells of each as soon as the journal has acknowledged it.
func beginUntilKilled(path string) error {
	j, err := boltjournal.Open(boltjournal.Config{Path: path})
	if err != nil {
		return err
	}
	var told sync.Mutex // guards the standard output
	tell := func(what, id string) {
		told.Lock()
		defer told.Unlock()
		fmt.Println(what, id)
	}
	failed := make(chan error)
	for caller := range 8 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("p-%d-%d-%d", os.Getpid(), caller, n)
				e, err := j.Begin(context.Background(), sample(id))
				if err != nil {
					failed <- err
					return
				}
				tell("begun", id)
				if n%2 == 0 {
					continue
				}
				e.State = retry.EntryApplied
				if err := j.End(context.Background(), e); err != nil {
					failed <- err
					return
				}
				tell("applied", id)
			}
		}()
	}
	return <-failed
}

// What a process that was killed had been told is there, and the next one can go on.
func TestKilled(t *testing.T) {
	t.Parallel()
	path := newPath(t)
	acknowledged := map[string]string{}
	for round := range 6 {
		for id, state := range killed(t, path, 40+round*25) {
			acknowledged[id] = state
		}
		j := open(t, path)
		for id, state := range acknowledged {
			held, err := read(j, id)
			require.NoError(t, err)
			require.Equal(t, int64(1), held.Generation, "round %d: %s", round, id)
			if state == "applied" {
				require.Equal(t, retry.EntryApplied, held.State, "round %d: %s", round, id)
			}
		}
		require.NoError(t, j.Close())
	}
}

// killed runs a process until it has told of that many acknowledgements, and
// returns all that it told.
func killed(t *testing.T, path string, lines int) map[string]string {
	t.Helper()
	cmd := exec.Command(os.Args[0], path)
	cmd.Env = append(os.Environ(), childEnv+"=begin until killed")
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	told := map[string]string{}
	for scanner := bufio.NewScanner(out); scanner.Scan(); lines-- {
		if what, id, ok := strings.Cut(scanner.Text(), " "); ok {
			told[id] = what
		}
		if lines == 0 {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	require.ErrorContains(t, cmd.Wait(), "killed")
	return told
}
