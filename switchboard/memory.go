package switchboard

import (
	"context"
	"sync"
	"time"
)

// A MemoryStore is a [Store] in memory, for tests. The zero MemoryStore is empty and
// ready to use. It is safe for concurrent use and must not be copied.
type MemoryStore struct {
	mu   sync.Mutex
	held map[name]dated
}

type name struct {
	kind Kind
	name string
}

type dated struct {
	Entry
	at time.Time
}

// Put implements [Store].
func (m *MemoryStore) Put(ctx context.Context, e Entry, age time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at, key := time.Now().Add(-age), name{e.Kind, e.Name}
	held, ok := m.held[key]
	switch {
	case ok && at.Before(held.at):
		return nil
	case ok && held.On && e.On:
		e = held.Entry
	}
	if m.held == nil {
		m.held = make(map[name]dated)
	}
	m.held[key] = dated{e, at}
	return nil
}

// All implements [Store].
func (m *MemoryStore) All(ctx context.Context) (all []Entry, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.held {
		e := s.Entry
		e.Age = time.Since(s.at)
		all = append(all, e)
	}
	return all, nil
}
