package nexpay_test

import (
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/nexpay-go/resilience/nexpay"
)

func TestParseForm(t *testing.T) {
	for _, tt := range []struct {
		wire string
		want nexpay.Form
		text string
	}{
		{"", nil, ""},
		{"&&", nil, ""},
		{"b=2&a=1", nexpay.Form{{Name: "b", Value: "2"}, {Name: "a", Value: "1"}}, "b=2&a=1"},
		{"a=1&a=2", nexpay.Form{{Name: "a", Value: "1"}, {Name: "a", Value: "2"}}, "a=1&a=2"},
		{"a=x+y", nexpay.Form{{Name: "a", Value: "x y"}}, "a=x y"},
		{"a=x%20y", nexpay.Form{{Name: "a", Value: "x y"}}, "a=x y"},
		{"a=x%2By%26%3d", nexpay.Form{{Name: "a", Value: "x+y&="}}, "a=x+y&="},
		{"a=b=c", nexpay.Form{{Name: "a", Value: "b=c"}}, "a=b=c"},
		{"a", nexpay.Form{{Name: "a"}}, "a="},
		{"=", nexpay.Form{{}}, "="},
		{"a=1;b=2&", nexpay.Form{{Name: "a", Value: "1;b=2"}}, "a=1;b=2"},
		{"%c3%a9=%E2%82%AC", nexpay.Form{{Name: "é", Value: "€"}}, "é=€"},
	} {
		got, err := nexpay.ParseForm(tt.wire)
		require.NoError(t, err, tt.wire)
		require.Equal(t, tt.want, got, tt.wire)
		require.Equal(t, tt.text, got.Text(), tt.wire)
	}
	for _, bad := range []string{"a=%zzsecret", "%=1", "ok=1&a=%4"} {
		_, err := nexpay.ParseForm(bad)
		require.Error(t, err, bad)
		require.NotContains(t, err.Error(), "secret")
		require.NotContains(t, err.Error(), "zz")
	}
}

func TestFormGet(t *testing.T) {
	f := nexpay.Form{{Name: "a"}, {Name: "b", Value: "1"}, {Name: "b", Value: "2"}}
	v, ok := f.Get("b")
	require.True(t, ok)
	require.Equal(t, "1", v)
	v, ok = f.Get("a")
	require.True(t, ok)
	require.Empty(t, v)
	_, ok = f.Get("c")
	require.False(t, ok)
}

// Whatever a form holds, the wire brings it over, in order; and where the order
// does not count net/url reads the same.
func TestFormRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) nexpay.Field {
			return nexpay.Field{Name: rapid.String().Draw(t, "name"), Value: rapid.String().Draw(t, "value")}
		}), 0, 8).Draw(t, "form")
		got, err := nexpay.ParseForm(nexpay.Form(f).Encode())
		require.NoError(t, err)
		require.Len(t, got, len(f))
		values := url.Values{}
		for i := range f {
			require.Equal(t, f[i], got[i])
			values.Add(f[i].Name, f[i].Value)
		}
		std, err := url.ParseQuery(nexpay.Form(f).Encode())
		require.NoError(t, err)
		require.Equal(t, values, std)
	})
}

func FuzzParseForm(f *testing.F) {
	for _, seed := range []string{"", "a=1&b=2", "a=x+y%20z", "=&=", "a=%zz", "&&a", "a;b=c", "%c3%a9=%ff", "a=b=c"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, wire string) {
		form, err := nexpay.ParseForm(wire)
		std, stdErr := url.ParseQuery(strings.ReplaceAll(wire, ";", "%3B"))
		if (err == nil) != (stdErr == nil) {
			t.Fatalf("%q: %v, where net/url has %v", wire, err, stdErr)
		}
		if err != nil {
			return
		}
		values := url.Values{}
		for _, field := range form {
			values.Add(field.Name, field.Value)
		}
		require.Equal(t, std, values)
		again, err := nexpay.ParseForm(form.Encode())
		require.NoError(t, err)
		require.Equal(t, form, again)
		require.Equal(t, form.Text(), again.Text())
	})
}
