package keylease

import (
	"context"
	"time"
)

// A Store keeps the records of keys and processes. [MemoryStore] is one for tests; the
// modules sqllease and redislease have those that processes share, and package
// keyleasetest holds any other to these rules. It must be safe for concurrent use, by
// several processes.
type Store interface {
	// Round does the following at one instant, by the store's own clock, and in this order:
	//
	//   - The owner lives for r.TTL from now. If r.Leaving, it is gone.
	//   - For each of r.Renew: if the key's record has this owner and that epoch, High becomes
	//     the higher of the record's and this one, and the lease is good for r.TTL from now,
	//     whether or not it was over.
	//   - For each of r.Return: if the key's record has this owner and that epoch, High becomes
	//     exactly this one, and the record has no owner.
	//   - Unless r.Leaving: keys of r.Keys that have no record, no owner, or an owner
	//     other than this one whose lease is over, are taken, those first whose lease was over
	//     first (when it was returned, if it was; a key never used before all), and of equals in the
	//     order of their names, as long as the owner has fewer than r.Share(alive) of r.Keys, where alive
	//     counts the living owners. A key of r.Return is not taken. The epoch becomes one higher, High stays, and the lease is
	//     good for r.TTL from now.
	//
	// It returns all records of this owner among r.Keys, and how many owners live.
	//
	// It has to be safe to run twice, and to run late, as clients of databases do by
	// themselves: a key that is taken already by this owner is returned, not taken again. After
	// an error it may have happened or not.
	Round(ctx context.Context, r Round) (Standing, error)
}

// A Round is what one process asks of a [Store].
type Round struct {
	Owner   string // of this process, unlike all others'
	Keys    []string
	TTL     time.Duration
	Most    int // keys that the owner takes at most; zero: its share
	Renew   []Record
	Return  []Record
	Leaving bool
}

// Share is how many keys an owner may have where so many live.
func (r *Round) Share(alive int) int {
	share := (len(r.Keys) + alive - 1) / max(alive, 1)
	if r.Most > 0 {
		share = min(share, r.Most)
	}
	return share
}

// A Record is that of a key, as far as its owner needs to know it.
type Record struct {
	Key   string
	Epoch int64  // counts the owners, from 1
	High  uint64 // no nonce above it has been handed out; of a key never used 0
}

// A Standing is what a round comes to.
type Standing struct {
	Records []Record // of the owner
	Alive   int      // owners, this one included unless it leaves
}
