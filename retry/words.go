package retry

import (
	"fmt"
	"time"
)

// words are texts that an [Error] has where there are better ones than the usual.
type words struct {
	said    string        // what Last says, if there is more to tell than anybody may show
	instead string        // of the text of Reason
	openFor time.Duration // from the end of the call: the breaker, which it found so or made so
	bound   waitBound     // that a wait did not fit into; zero: there was none
	budget  shortage      // of the budget, if that is why
}

// A waitBound is what a wait did not fit into.
type waitBound struct {
	most, left, wait time.Duration // that is allowed, what is left of it, and the wait; left and wait: of MaxElapsed only
}

// text says so in figures.
func (b *waitBound) text() string {
	if b.wait == 0 {
		return fmt.Sprintf("the server asks for a longer wait than the %v allowed", round(b.most))
	}
	return fmt.Sprintf("no time to wait %v before the next send: that has to begin within %v, of which %v are left",
		round(b.wait), round(b.most), round(b.left))
}

// own is where e keeps such texts.
func (e *Error) own() *words {
	if e.words == nil {
		e.words = new(words)
	}
	return e.words
}

// because has e say another text than that of its Reason, and returns it.
func (e *Error) because(text string) *Error {
	e.own().instead = text
	return e
}
