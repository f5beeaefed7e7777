package retryhttp

import (
	"io"
	"net/http"
	"slices"
)

// A trailed body is the body of a copied request. At its end it copies the trailer values
// that the caller has set meanwhile on the original request, as package net/http allows.
type trailed struct {
	io.ReadCloser
	from, to http.Header
	names    []string
}

func (b *trailed) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF {
		for _, name := range b.names {
			b.to[name] = slices.Clone(b.from[name])
		}
	}
	return n, err
}

// trail makes a signed copy follow the trailers of the request, except those that Sign
// changed.
func (x *exchange) trail(out *http.Request, were http.Header) {
	var names []string
	for name, values := range out.Trailer {
		if was, ok := were[name]; ok && slices.Equal(values, was) {
			names = append(names, name)
		}
	}
	if len(names) > 0 && out.Body != nil && out.Body != http.NoBody {
		out.Body = &trailed{out.Body, x.req.Trailer, out.Trailer, names}
	}
}
