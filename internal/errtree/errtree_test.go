package errtree_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/internal/errtree"
)

// A node panics if one of its methods is called on a nil pointer.
type node struct {
	name  string
	inner error
}

func (n *node) Error() string { return n.name }
func (n *node) Unwrap() error { return n.inner }

type list []error

func (list) Error() string     { return "a list" }
func (l list) Unwrap() []error { return l }

// A box is comparable as far as its type is concerned.
type box struct{ holds any }

func (box) Error() string { return "a box" }

var none *node

func seen(err error) (texts []string) {
	errtree.Walk(err, func(e error) bool {
		texts = append(texts, e.Error())
		return true
	})
	return texts
}

func TestWalk(t *testing.T) {
	a, b := errors.New("a"), errors.New("b")
	for _, tt := range []struct {
		name string
		err  error
		want []string
	}{
		{"nil", nil, nil},
		{"one", a, []string{"a"}},
		{"wrapped", &node{"n", a}, []string{"n", "a"}},
		{"joined", list{&node{"n", a}, nil, b}, []string{"a list", "n", "a", "b"}},
		{"a nil pointer", none, nil},
		{"nil pointers inside", list{none, &node{"n", none}, b}, []string{"a list", "n", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) { require.Equal(t, tt.want, seen(tt.err)) })
	}
}

func TestWalkLeavesOutWhatIsNotAskedFor(t *testing.T) {
	shown := 0
	errtree.Walk(list{&node{"n", io.EOF}, io.EOF}, func(e error) bool {
		shown++
		return e.Error() != "n"
	})
	require.Equal(t, 3, shown, "the list, n without its EOF, and the other EOF")
}

// Errors that wrap themselves, once or twice, end.
func TestBounds(t *testing.T) {
	chain := &node{name: "chain"}
	chain.inner = chain
	require.Len(t, seen(chain), errtree.MaxErrors)

	tree := list{nil, io.EOF, nil}
	tree[0], tree[2] = tree, tree
	require.Len(t, seen(tree), errtree.MaxErrors)

	var nested error = io.EOF
	for range errtree.MaxJoins {
		nested = list{nested}
	}
	require.True(t, errtree.Holds(nested, io.EOF))
	require.False(t, errtree.Holds(list{nested}, io.EOF), "one deeper than it looks")

	var long error = io.EOF
	for range errtree.MaxErrors - 1 {
		long = &node{"", long}
	}
	require.True(t, errtree.Holds(long, io.EOF))
	require.False(t, errtree.Holds(&node{"", long}, io.EOF))
}

func TestHolds(t *testing.T) {
	require.True(t, errtree.Holds(fmt.Errorf("x: %w", errors.Join(io.ErrNoProgress, io.EOF)), io.EOF))
	require.False(t, errtree.Holds(&net.DNSError{IsTimeout: true}, context.DeadlineExceeded), "what Is says does not count")
	require.False(t, errtree.Holds(io.EOF, nil))
	require.False(t, errtree.Holds(nil, io.EOF))
	for name, odd := range map[string]error{"by type": list{io.EOF}, "by what it holds": box{[]int{1}}} {
		require.False(t, errtree.Holds(&node{"n", odd}, odd), name)
	}
	require.False(t, errtree.Holds(box{[]int{1}}, box{1}))
}

func TestSame(t *testing.T) {
	a, b := errors.New("x"), errors.New("x")
	require.True(t, errtree.Same(a, a))
	require.False(t, errtree.Same(a, b))
	require.True(t, errtree.Same(nil, nil))
	require.False(t, errtree.Same(a, nil))
	require.False(t, errtree.Same(nil, a))
	require.False(t, errtree.Same(list{a}, list{a}))
	require.False(t, errtree.Same(box{[]int{1}}, box{[]int{1}}))
	require.True(t, errtree.Same(box{1}, box{1}))
	require.True(t, errtree.Same(none, none), "no method of it is called")
}

func TestAs(t *testing.T) {
	inner := &net.DNSError{Name: "inner"}
	found, ok := errtree.As[*net.DNSError](list{none, (*net.DNSError)(nil), &node{"n", inner}, &net.DNSError{Name: "later"}})
	require.True(t, ok)
	require.Same(t, inner, found)
	_, ok = errtree.As[net.Error](io.EOF)
	require.False(t, ok)
}

func TestNilPointer(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{nil, ""},
		{io.EOF, ""},
		{list{nil, io.EOF}, ""},
		{list(nil), ""},
		{none, "*errtree_test.node"},
		{fmt.Errorf("x: %w", none), "*errtree_test.node"},
		{list{io.EOF, &node{"n", (*net.OpError)(nil)}, none}, "*net.OpError"},
		{&url.Error{Op: "Get", Err: (*url.Error)(nil)}, "*url.Error"},
	} {
		typ, found := errtree.NilPointer(tt.err)
		require.Equal(t, tt.want, typ)
		require.Equal(t, tt.want != "", found)
	}
}

// Whatever a tree is made of: no walk panics, and a nil pointer is found if and
// only if there is one.
func TestAnyTree(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nils, left := 0, 60
		var grow func(depth int) error
		grow = func(depth int) error {
			left--
			if depth > 8 || left < 0 {
				return io.EOF
			}
			switch rapid.IntRange(0, 5).Draw(t, "kind") {
			case 0:
				nils++
				return none
			case 1:
				return &node{"n", grow(depth + 1)}
			case 2, 3:
				var l list
				for range rapid.IntRange(0, 3).Draw(t, "parts") {
					l = append(l, grow(depth+1))
				}
				return l
			case 4:
				return nil
			}
			return box{[]int{1}}
		}
		err := grow(0)
		_, found := errtree.NilPointer(err)
		if found != (nils > 0) {
			t.Fatalf("%d nil pointers, found: %v", nils, found)
		}
		errtree.Walk(err, func(e error) bool { return e.Error() != "" })
		errtree.Holds(err, box{[]int{1}})
		errtree.As[*net.OpError](err)
	})
}

// A walk that is asked for by every failed call costs no allocation.
func TestNoAllocation(t *testing.T) {
	err := fmt.Errorf("x: %w", io.EOF)
	require.Zero(t, testing.AllocsPerRun(100, func() {
		errtree.NilPointer(err)
		errtree.Holds(err, io.ErrNoProgress)
		errtree.As[*net.OpError](err)
	}))
}
