package switchboard

import (
	"context"
	"sync"
	"time"
)

// A MemoryStore is a [Store] in memory, for tests. The zero MemoryStore is empty and ready;
// it must not be copied.
type MemoryStore struct {
	mu   sync.Mutex
	said map[name]said
}

type name struct {
	kind Kind
	name string
}

type said struct {
	Entry
	at time.Time
}

// Put is as [Store] has it.
func (m *MemoryStore) Put(ctx context.Context, e Entry, age time.Duration) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	at, key := time.Now().Add(-age), name{e.Kind, e.Name}
	held, ok := m.said[key]
	switch {
	case ok && at.Before(held.at):
		return nil
	case ok && held.On && e.On:
		e = held.Entry
	}
	if m.said == nil {
		m.said = make(map[name]said)
	}
	m.said[key] = said{e, at}
	return nil
}

// All is as [Store] has it.
func (m *MemoryStore) All(ctx context.Context) (all []Entry, err error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.said {
		e := s.Entry
		e.Age = time.Since(s.at)
		all = append(all, e)
	}
	return all, nil
}
