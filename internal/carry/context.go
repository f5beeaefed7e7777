// Package carry has the contexts and context keys by which the packages of this library
// pass a ticket, and facts about a call, to each other.
package carry

import "context"

// A Context carries a ticket. Package nonce makes one, and package retry makes one for
// each attempt. It must not be copied.
type Context struct {
	context.Context
	Ticket any // a *nonce.Ticket; a nil one hides those of outer contexts
}

type key struct{}

// Value returns c for the key of this package, which [From] uses. Other keys go to the
// parent.
func (c *Context) Value(k any) any {
	if v, own := c.Own(k); own {
		return v
	}
	return c.Context.Value(k)
}

// Own is Value without the parent.
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
