package keylease

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"
)

// A MemoryStore is a [Store] in memory, for tests in which several Leases share one
// program. The zero MemoryStore is empty and ready to use. It is safe for concurrent use
// and must not be copied.
type MemoryStore struct {
	mu     sync.Mutex
	keys   map[string]*memoryRecord
	owners map[string]time.Time // when they expire
}

type memoryRecord struct {
	Record
	owner string
	until time.Time
}

// Round implements [Store].
func (m *MemoryStore) Round(ctx context.Context, r Round) (Standing, error) {
	if err := ctx.Err(); err != nil {
		return Standing{}, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	m.live(&r, now)
	for _, renewed := range r.Renew {
		if held := m.own(&r, renewed); held != nil {
			held.High, held.until = max(held.High, renewed.High), now.Add(r.TTL)
		}
	}
	for _, returned := range r.Return {
		if held := m.own(&r, returned); held != nil {
			held.High, held.owner, held.until = returned.High, "", now
		}
	}
	if !r.Leaving {
		m.take(&r, now)
	}
	return Standing{Records: m.of(&r), Alive: len(m.owners)}, nil
}

// live renews the owner and removes expired ones.
func (m *MemoryStore) live(r *Round, now time.Time) {
	if m.keys == nil {
		m.keys, m.owners = make(map[string]*memoryRecord), make(map[string]time.Time)
	}
	m.owners[r.Owner] = now.Add(r.TTL)
	for owner, until := range m.owners {
		if !until.After(now) || r.Leaving && owner == r.Owner {
			delete(m.owners, owner)
		}
	}
}

// own returns the record that the owner holds in that epoch, or nil.
func (m *MemoryStore) own(r *Round, wanted Record) *memoryRecord {
	held := m.keys[wanted.Key]
	if held == nil || held.owner != r.Owner || held.Epoch != wanted.Epoch {
		return nil
	}
	return held
}

func (m *MemoryStore) take(r *Round, now time.Time) {
	var free []*memoryRecord
	for _, key := range r.Keys {
		held := m.keys[key]
		if held == nil {
			held = &memoryRecord{Record: Record{Key: key}}
			m.keys[key] = held
		}
		back := slices.ContainsFunc(r.Return, func(returned Record) bool { return returned.Key == key })
		if !back && (held.owner == "" || held.owner != r.Owner && !held.until.After(now)) {
			free = append(free, held)
		}
	}
	slices.SortFunc(free, func(a, b *memoryRecord) int {
		return cmp.Or(a.until.Compare(b.until), cmp.Compare(a.Key, b.Key))
	})
	room := max(r.Share(len(m.owners))-len(m.of(r)), 0)
	for _, taken := range free[:min(room, len(free))] {
		taken.owner, taken.until = r.Owner, now.Add(r.TTL)
		taken.Epoch++
	}
}

// of returns the records of the owner.
func (m *MemoryStore) of(r *Round) []Record {
	var all []Record
	for _, key := range r.Keys {
		if held := m.keys[key]; held != nil && held.owner == r.Owner {
			all = append(all, held.Record)
		}
	}
	slices.SortFunc(all, func(a, b Record) int { return cmp.Compare(a.Key, b.Key) })
	return all
}
