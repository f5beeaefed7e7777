package nonce

// draw returns the next nonce, or 0 if none is left. It is called with mu held.
func (l *Lane) draw() uint64 { return l.drawAbove(0) }

// drawAbove is draw for a nonce at least that many ticks ahead of all used ones. If the
// clock is past MaxNonce, last stays as it is, so that the key still works once the clock
// is set right.
func (l *Lane) drawAbove(ticks uint64) uint64 {
	now, since := l.read()
	if now > l.last {
		l.jumps = 0
	}
	nonce := max(now, l.last+1)
	if ticks > 0 {
		nonce = max(now, l.last) + ticks
	}
	if l.closed || nonce > MaxNonce {
		return 0
	}
	l.last, l.drawn = nonce, since
	return nonce
}

// noNonce returns the error for a draw that returned 0.
func (l *Lane) noNonce() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return closedError(l.key)
	}
	return &ExhaustedError{Key: l.key, Last: l.last}
}
