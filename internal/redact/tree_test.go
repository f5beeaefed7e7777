package redact_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/internal/redact"
)

// A careful error notes that a method of it was called on a nil pointer. Were it
// to panic, Text would recover, and lose the text of its neighbours.
type careful struct{}

func (c *careful) asked() string {
	if c == nil {
		askedNil = true
		return secret
	}
	return ""
}

var askedNil bool

func (c *careful) Error() string     { return c.asked() + secret }
func (c *careful) SafeError() string { return c.asked() + "careful" }
func (c *careful) Timeout() bool     { return c.asked() != "" }
func (c *careful) Temporary() bool   { return c.asked() != "" }
func (c *careful) Unwrap() []error   { c.asked(); return nil }

// Of any tree of errors Text prints one line without the secrets that are
// everywhere in it, ends, and asks nothing of nil pointers.
func TestAnyTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		askedNil = false
		g := &grower{T: t, left: 40}
		err := g.grow(0)
		for _, c := range g.chains { // some of them lead back
			if rapid.Bool().Draw(t, "back") {
				c.inner = g.chains[rapid.IntRange(0, len(g.chains)-1).Draw(t, "to")]
			}
		}
		for _, c := range g.trees {
			if rapid.Bool().Draw(t, "back") {
				c.parts = append(c.parts, err, g.trees[rapid.IntRange(0, len(g.trees)-1).Draw(t, "to")])
			}
		}
		line := redact.Text(err)
		switch {
		case strings.Contains(line, "SECRET"):
			t.Fatalf("%q", line)
		case strings.ContainsFunc(line, func(r rune) bool { return !unicode.IsPrint(r) }):
			t.Fatalf("not one line: %q", line)
		case line == "":
			t.Fatal("no text")
		case askedNil:
			t.Fatal("a method of a nil pointer was called")
		}
	})
}

type grower struct {
	*rapid.T
	left   int
	chains []*chain
	trees  []*tree
}

func (g *grower) grow(depth int) error {
	g.left--
	if depth > 10 || g.left < 0 {
		return g.leaf()
	}
	switch rapid.IntRange(0, 8).Draw(g.T, "kind") {
	case 0:
		c := &chain{g.grow(depth + 1)}
		g.chains = append(g.chains, c)
		return c
	case 1:
		tr := &tree{g.parts(depth)}
		g.trees = append(g.trees, tr)
		return tr
	case 2:
		return errors.Join(g.parts(depth)...)
	case 3:
		return fmt.Errorf("%s: %w", secret, &chain{g.grow(depth + 1)})
	case 4:
		return &url.Error{Op: secret, URL: link, Err: g.grow(depth + 1)}
	case 5:
		op := rapid.SampledFrom([]string{secret, "read", "remote error"}).Draw(g.T, "op")
		return &net.OpError{Op: op, Net: secret, Source: addr(secret), Addr: addr(secret), Err: g.grow(depth + 1)}
	case 6:
		return os.NewSyscallError(secret, g.grow(depth+1))
	}
	return g.leaf()
}

func (g *grower) parts(depth int) (parts []error) {
	for range rapid.IntRange(0, 4).Draw(g.T, "parts") {
		parts = append(parts, g.grow(depth+1))
	}
	return parts
}

func (g *grower) leaf() error {
	return rapid.SampledFrom([]error{
		nil, (*careful)(nil), (*net.OpError)(nil), (*url.Error)(nil), (*chain)(nil), (*tree)(nil),
		errors.New(secret), slow{}, coded(4), broken{}, &careful{}, &own{"harmless\n"}, io.EOF, context.DeadlineExceeded,
	}).Draw(g.T, "leaf")
}
