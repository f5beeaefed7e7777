package keylease

import (
	"context"
	"time"
)

// A Store keeps the records of keys and processes. [MemoryStore] is one for tests;
// processes share one from the modules sqllease and redislease. Package keyleasetest
// tests any other Store against these rules. A Store must be safe for concurrent use by
// several processes.
type Store interface {
	// Round does the following at one instant, by the store's own clock, in this order:
	//
	//   - The owner lives for r.TTL from now. If r.Leaving is set, it is removed.
	//   - For each record of r.Renew whose key has this owner and that epoch in the
	//     store: High becomes the higher of the two, and the lease is valid for r.TTL
	//     from now, even if it had expired.
	//   - For each record of r.Return whose key has this owner and that epoch in the
	//     store: High becomes exactly that of r.Return, and the key has no owner.
	//   - Unless r.Leaving is set, the owner takes free keys while it has fewer than
	//     r.Share(alive) of r.Keys, where alive counts the living owners. A key of r.Keys
	//     is free if it has no record, no owner, or another owner whose lease has
	//     expired, unless it is in r.Return. Keys whose leases ended first go first: an
	//     expired lease ended when it expired, a returned one when it was returned, and a
	//     key never used comes before all others. Equals are taken in the order of their
	//     names. Taking a key increments its epoch and keeps its High, and the lease is
	//     valid for r.TTL from now.
	//
	// Round returns all records of this owner among r.Keys, and the number of living
	// owners.
	//
	// A lease or an owner that ends more than two hours from now has expired: no TTL is
	// that long, so the store's clock was ahead and has been set back.
	//
	// It must be safe to run a Round twice, and to run it late, as database clients
	// repeat requests on their own: a key that this owner has taken already is returned,
	// not taken again. After an error the Round may or may not have happened.
	Round(ctx context.Context, r Round) (Standing, error)
}

// A Round is the request of one process to a [Store].
type Round struct {
	Owner   string // unique to this process
	Keys    []string
	TTL     time.Duration
	Most    int // how many keys the owner takes at most; zero: its share
	Renew   []Record
	Return  []Record
	Leaving bool
}

// Share is how many keys an owner may have if alive owners are living.
func (r *Round) Share(alive int) int {
	share := (len(r.Keys) + alive - 1) / max(alive, 1)
	if r.Most > 0 {
		share = min(share, r.Most)
	}
	return share
}

// A Record is the record of a key, without what only the store needs.
type Record struct {
	Key   string
	Epoch int64  // counts the owners, from 1
	High  uint64 // no nonce above it has been handed out; 0 if the key was never used
}

// A Standing is the result of a Round. Leases treat one that breaks these rules as an
// error of the Round.
type Standing struct {
	Records []Record // of the owner
	Alive   int      // living owners, this one included unless it leaves
}
