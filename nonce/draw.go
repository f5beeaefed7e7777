package nonce

// draw returns the next nonce, or 0 if there is none. It is called with mu held.
func (l *Lane) draw() uint64 { return l.drawAbove(0) }

// drawAbove is draw of a nonce that is ahead of all that was used by at least that many ticks. A clock that has gone too
// far leaves last as it was, so that the key is not lost once the clock is right again.
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

// noNonce tells why draw returned 0.
func (l *Lane) noNonce() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return closedError(l.key)
	}
	return &ExhaustedError{Key: l.key, Last: l.last}
}
