package wire

import (
	"io"
	"net/http"
	"sync/atomic"
)

// once is a body that net/http cannot look into, nor rewind. It knows whether
// somebody has begun to read it, and can be sealed if not.
type once struct {
	io.ReadCloser
	state  atomic.Int32
	read   atomic.Int64          // bytes
	closed atomic.Bool           // what fails after that is no news
	end    atomic.Pointer[error] // that came before
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
	if err == io.EOF { // nearly always
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

// seal keeps a body from being read, and reports whether nobody has.
func (b *once) seal() bool { return b.state.CompareAndSwap(untouched, sealed) }
