package retryhttp

import (
	"io"
	"net/http"
	"reflect"
	"sync"
)

// A kept body keeps the beginning of what is sent, for blot. It is for bodies that can be
// read only once, or that Sign changed.
type kept struct {
	io.ReadCloser
	mu   sync.Mutex // net/http may still be sending when the answer arrives
	seen []byte
}

// keep keeps the beginning of the body, if it cannot be read again.
func (x *exchange) keep(out *http.Request, again bool) {
	x.kept = nil
	if !again && out.Body != nil && out.Body != http.NoBody {
		x.kept = &kept{ReadCloser: out.Body}
		out.Body = x.kept
	}
}

func (k *kept) Read(p []byte) (int, error) {
	n, err := k.ReadCloser.Read(p)
	k.mu.Lock()
	defer k.mu.Unlock()
	k.seen = append(k.seen, p[:min(n, mostBody-len(k.seen))]...)
	return n, err
}

func (k *kept) text() string {
	if k == nil {
		return ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return string(k.seen)
}

// same reports whether two bodies are the same. They may have types that cannot be
// compared.
func same(a, b io.ReadCloser) bool {
	return a != nil && reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}
