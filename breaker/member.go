package breaker

import "time"

// A member is a breaker of a Group with its place there.
type member struct {
	name string
	b    *Breaker

	in         *chain // nil: kept
	prev, next *member

	until time.Time // kept: when its open time ends
	index int       // kept: in the heap
}

// A chain is a linked list of members that allocates no cells. The zero chain is empty.
type chain struct {
	front, back *member
	len         int
}

func (c *chain) pushFront(m *member) {
	m.in, m.prev, m.next = c, nil, c.front
	if c.front != nil {
		c.front.prev = m
	} else {
		c.back = m
	}
	c.front = m
	c.len++
}

func (c *chain) remove(m *member) {
	if m.prev != nil {
		m.prev.next = m.next
	} else {
		c.front = m.next
	}
	if m.next != nil {
		m.next.prev = m.prev
	} else {
		c.back = m.prev
	}
	m.in, m.prev, m.next = nil, nil, nil
	c.len--
}

// ends are the kept members, for package heap: the one whose open time ends first comes
// first.
type ends []*member

func (e ends) Len() int           { return len(e) }
func (e ends) Less(i, j int) bool { return e[i].until.Before(e[j].until) }
func (e ends) Swap(i, j int) {
	e[i], e[j] = e[j], e[i]
	e[i].index, e[j].index = i, j
}

func (e *ends) Push(m any) {
	m.(*member).index = len(*e)
	*e = append(*e, m.(*member))
}

func (e *ends) Pop() any {
	last := len(*e) - 1
	m := (*e)[last]
	(*e)[last] = nil
	*e = (*e)[:last]
	return m
}
