package retryhttp

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"sync"
	"time"
)

// An ahead is a body whose beginning a goroutine reads ahead, until it is known whether the
// body is small JSON, or until it is passed on. Read returns the bytes read ahead first.
type ahead struct {
	body     io.ReadCloser
	from, to *http.Response
	known    chan struct{} // closed when it is known

	mu      sync.Mutex
	changed *sync.Cond
	seen    []byte
	taken   int   // of seen
	whole   bool  // seen is a JSON value, or the body has ended
	handed  bool  // passed on: nobody waits for more
	idle    bool  // the goroutine has ended
	end     error // of the body, if it has come
}

// readAhead returns the body of a response with its beginning read, as far as it arrives
// within patience. At the end of the body, the trailers of from become those of to.
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

// leave ends the goroutine in order even if the Base panics, which would end the program
// otherwise.
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

// complete reports whether text is a complete JSON object or array.
func complete(text []byte) bool {
	text = bytes.TrimRight(text, " \t\r\n")
	return len(text) > 0 && (text[len(text)-1] == '}' || text[len(text)-1] == ']') && json.Valid(text)
}

// small returns the body, and whether it is known and small.
func (a *ahead) small() (body []byte, whole bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen, a.whole && len(a.seen) <= mostError
}

// begun returns what was read ahead, and the error that ended it, nil if there was none.
func (a *ahead) begun() ([]byte, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.seen, a.end
}

// Read waits for a read that is in progress.
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

// Close also ends a read that is in progress.
func (a *ahead) Close() error { return a.body.Close() }
