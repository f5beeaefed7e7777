package retryhttp

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// An ahead is a body whose beginning is read ahead by a goroutine, until it is known
// whether it is small JSON, or is handed on. What is read then, is read first.
type ahead struct {
	body     io.ReadCloser
	from, to *http.Response
	known    chan struct{} // closed when it is

	mu      sync.Mutex
	changed *sync.Cond
	seen    []byte
	taken   int   // of seen
	whole   bool  // seen is a JSON value, or the body has ended with it
	handed  bool  // nobody waits for more
	idle    bool  // the goroutine is gone
	end     error // of the body, if it has come
}

// readAhead returns the body of a response, with its beginning read as far as it comes
// in time. Where its end brings trailers, those of to become those of from.
func readAhead(from, to *http.Response) *ahead {
	a := &ahead{body: from.Body, from: from, to: to, known: make(chan struct{})}
	a.changed = sync.NewCond(&a.mu)
	go a.read()
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case <-a.known:
	case <-wait.C:
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.handed = true
	return a
}

// read reads ahead.
func (a *ahead) read() {
	const first, growth = 4 << 10, 4
	defer close(a.known)
	defer a.leave()
	buffer := make([]byte, 0, first)
	for more := true; more; {
		if len(buffer) == cap(buffer) {
			buffer = append(make([]byte, 0, growth*cap(buffer)), buffer...)
		}
		n, err := a.body.Read(buffer[len(buffer):cap(buffer)])
		buffer = buffer[:len(buffer)+n]
		a.mu.Lock()
		a.seen, a.end = buffer, err
		a.whole = err == io.EOF || complete(buffer)
		more = err == nil && !a.whole && !a.handed && len(buffer) < mostError
		a.idle = !more
		a.changed.Broadcast()
		a.mu.Unlock()
	}
}

// leave has the goroutine end in order even where a Base of somebody's own panics, which
// otherwise would end the program.
func (a *ahead) leave() {
	broken := recover() != nil
	a.mu.Lock()
	defer a.mu.Unlock()
	if broken || !a.idle {
		a.idle, a.end = true, errBroken
		a.changed.Broadcast()
	}
}

var errBroken error = saidError("retryhttp: reading the response body panicked")

// complete reports whether a text is a JSON value that something else can only follow.
func complete(text []byte) bool {
	text = bytes.TrimRight(text, " \t\r\n")
	return len(text) > 0 && (text[len(text)-1] == '}' || text[len(text)-1] == ']') && json.Valid(text)
}

// small returns the body, if that is known and small.
func (a *ahead) small() (body []byte, whole bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen, a.whole && len(a.seen) <= mostError
}

// begun returns what has been read ahead, and what ended it, nil if nothing did.
func (a *ahead) begun() ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen, a.end
}

// Read waits for what is being read already.
func (a *ahead) Read(p []byte) (int, error) {
	a.mu.Lock()
	for a.taken == len(a.seen) && !a.idle {
		a.changed.Wait()
	}
	n, end := copy(p, a.seen[a.taken:]), a.end
	a.taken += n
	a.mu.Unlock()
	if n > 0 || len(p) == 0 {
		return n, nil
	}
	if end == nil {
		n, end = a.body.Read(p)
	}
	if end == io.EOF {
		a.to.Trailer = a.from.Trailer
	}
	return n, end
}

// Close ends what is being read, too.
func (a *ahead) Close() error { return a.body.Close() }
