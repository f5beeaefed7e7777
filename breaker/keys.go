package breaker

import (
	"hash/maphash"
	"sync/atomic"
)

// keys holds the locked keys: a hash table that is read without a lock, and whose changes
// cost the same however many keys there are. (A map would be copied for each change; a
// sync.Map of 10,000 keys takes two and a half times as long to read.) A nil keys is
// empty. Changes need a lock around them.
type keys struct {
	seed    maphash.Seed
	buckets []atomic.Pointer[key] // a power of two of them
	len     int
}

// A key never changes, so a reader of a list is not disturbed.
type key struct {
	LockedError
	hash uint64 // of its name: compared first
	next *key
}

// fewest is the smallest number of buckets.
const fewest = 16

func newKeys(buckets int) *keys {
	return &keys{seed: maphash.MakeSeed(), buckets: make([]atomic.Pointer[key], buckets)}
}

func (k *keys) bucket(name string) (*atomic.Pointer[key], uint64) {
	hash := maphash.String(k.seed, name)
	return &k.buckets[hash&uint64(len(k.buckets)-1)], hash
}

func (k *keys) get(name string) *LockedError {
	if k == nil {
		return nil
	}
	bucket, hash := k.bucket(name)
	for at := bucket.Load(); at != nil; at = at.next {
		if at.hash == hash && at.Key == name {
			return &at.LockedError
		}
	}
	return nil
}

// with returns keys that include e, which must not be there yet: k itself, or a bigger
// table.
func (k *keys) with(e *LockedError) *keys {
	switch {
	case k == nil:
		k = newKeys(fewest)
	case 2*k.len == len(k.buckets):
		k = k.resized(2 * len(k.buckets))
	}
	k.put(e)
	return k
}

func (k *keys) put(e *LockedError) {
	b, hash := k.bucket(e.Key)
	b.Store(&key{*e, hash, b.Load()})
	k.len++
}

// without returns keys that lack name, which must be there: k itself, a smaller table, or
// nil.
func (k *keys) without(name string) *keys {
	if k.len == 1 {
		return nil // cheapest to read
	}
	b, _ := k.bucket(name)
	b.Store(b.Load().without(name))
	if k.len--; k.len < len(k.buckets)/16 && len(k.buckets) > fewest {
		return k.resized(len(k.buckets) / 4)
	}
	return k
}

// without copies the list up to name, and shares the rest.
func (at *key) without(name string) *key {
	if at.Key == name {
		return at.next
	}
	return &key{at.LockedError, at.hash, at.next.without(name)}
}

func (k *keys) resized(buckets int) *keys {
	other := newKeys(buckets)
	for _, e := range k.all() {
		other.put(e)
	}
	return other
}

// all returns the locked keys in no particular order.
func (k *keys) all() []*LockedError {
	if k == nil {
		return []*LockedError{}
	}
	all := make([]*LockedError, 0, k.len)
	for i := range k.buckets {
		for at := k.buckets[i].Load(); at != nil; at = at.next {
			all = append(all, &at.LockedError)
		}
	}
	return all
}
