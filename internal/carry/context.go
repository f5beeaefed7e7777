// Package carry is the context that carries a ticket. Package nonce puts it there,
// and package retry does so for each attempt.
package carry

import "context"

// A Context carries a ticket, and finds the one around it. It must not be copied.
type Context struct {
	context.Context
	Ticket any // a *nonce.Ticket; a nil one hides those further out
}

type key struct{}

// Value returns the context itself for the one key that is its own.
func (c *Context) Value(k any) any {
	if v, own := c.Own(k); own {
		return v
	}
	return c.Context.Value(k)
}

// Own is Value without what the context around it has.
func (c *Context) Own(k any) (value any, own bool) {
	if k == (key{}) {
		return c, true
	}
	return nil, false
}

// From returns the innermost Context in ctx, nil if there is none.
func From(ctx context.Context) *Context {
	c, _ := ctx.Value(key{}).(*Context)
	return c
}

// Outer returns the Context around c, nil if there is none.
func (c *Context) Outer() *Context { return From(c.Context) }
