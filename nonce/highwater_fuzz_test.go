package nonce_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/nexpay-go/resilience/nonce"
)

// FuzzHighWater puts anything at all into the file. The lane is made, and gives out nonces above none lower than the clock,
// or there is an error; no file is ever taken for a mark above what any nonce may be.
func FuzzHighWater(f *testing.F) {
	folder := f.TempDir()
	name := filepath.Join(folder, "mark")
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: name})
	if err != nil {
		f.Fatal(err)
	}
	if ticket, err := lane.Enter(f.Context()); err == nil {
		ticket.Leave()
	}
	if err := lane.Close(); err != nil {
		f.Fatal(err)
	}
	good, err := os.ReadFile(name)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(append([]byte("garbage\n"), good...))
	f.Add([]byte("9007199254740993 9007199254740993"))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, content []byte) {
		name := filepath.Join(t.TempDir(), "mark")
		if err := os.WriteFile(name, content, 0o600); err != nil {
			t.Fatal(err)
		}
		lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main", HighWater: name})
		if err != nil {
			if len(content) > 0 && err.Error() == "" {
				t.Fatal("an error without a word")
			}
			return
		}
		defer lane.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		ticket, err := lane.Enter(ctx)
		if err != nil {
			return // a mark far ahead of the clock, or at the end
		}
		defer ticket.Leave()
		if ticket.Nonce() > nonce.MaxNonce || ticket.Nonce() == 0 {
			t.Fatalf("nonce %d", ticket.Nonce())
		}
	})
}
