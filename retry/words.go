package retry

import (
	"fmt"
	"time"
)

// A words holds texts of an [Error] that are better than the usual ones.
type words struct {
	said    string        // text of Last, if it may show more than usual
	instead string        // of the text of Reason
	openFor time.Duration // how long the breaker stays open after the end of the call
	bound   waitBound     // limit that a wait exceeded; zero: there was none
	budget  shortage      // state of the budget, if that is the reason
}

// A waitBound is a limit that a wait exceeded.
type waitBound struct {
	most, left, wait time.Duration // the limit, what is left of it, and the wait; left and wait: of MaxElapsed only
}

// text describes the limit in numbers.
func (b *waitBound) text() string {
	if b.wait == 0 {
		return fmt.Sprintf("the server asks for a longer wait than the %v allowed", round(b.most))
	}
	return fmt.Sprintf("no time to wait %v before the next send: it must begin within %v, of which %v is left",
		round(b.wait), round(b.most), round(b.left))
}

// own returns the texts of e, creating them if necessary.
func (e *Error) own() *words {
	if e.words == nil {
		e.words = new(words)
	}
	return e.words
}

// because replaces the text of e's Reason, and returns e.
func (e *Error) because(text string) *Error {
	e.own().instead = text
	return e
}
