package wire

import (
	"io"
	"net/http"
	"sync/atomic"
)

// once is a body that net/http cannot inspect or rewind. It records whether it was
// read, and an unread body can be sealed.
type once struct {
	io.ReadCloser
	state  atomic.Int32
	read   atomic.Int64          // bytes
	closed atomic.Bool           // errors after that are ignored
	end    atomic.Pointer[error] // the first error before that
}

const (
	untouched int32 = iota
	touched
	sealed
)

func (b *once) Read(p []byte) (int, error) {
	b.state.CompareAndSwap(untouched, touched)
	if b.state.Load() == sealed {
		return 0, http.ErrBodyReadAfterClose
	}
	n, err := b.ReadCloser.Read(p)
	b.read.Add(int64(n))
	if err != nil && !b.closed.Load() {
		b.ended(err)
	}
	return n, err
}

func (b *once) ended(err error) {
	if err == io.EOF { // the usual case
		b.end.CompareAndSwap(nil, &eof)
		return
	}
	b.end.CompareAndSwap(nil, new(err))
}

var eof = io.EOF

func (b *once) Close() error {
	b.closed.Store(true)
	return b.ReadCloser.Close()
}

// seal prevents a body from being read, and reports false if it was already read.
func (b *once) seal() bool { return b.state.CompareAndSwap(untouched, sealed) }
