package nexpay_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay"
)

func TestCredentialsAreNeverShown(t *testing.T) {
	c := nexpay.Credentials{Key: "kkkkkk", Secret: "ssssss", PaymentSecret: "pppppp"}
	s := signer(t, c)
	holder := struct {
		Credentials nexpay.Credentials
		Signer      *nexpay.Signer
		Client      *nexpay.Client
		hidden      *nexpay.Signer
	}{c, s, &nexpay.Client{Signer: s}, s}
	for _, v := range []any{c, &c, s, *s, holder, &holder, holder.Client, []nexpay.Credentials{c}, holder.hidden} {
		var out bytes.Buffer
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%X"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", v)
		for _, secret := range []string{"kkk", "sss", "ppp", "6b6b6b", "737373", "707070", "6B6B6B"} {
			require.NotContains(t, out.String(), secret, "%T", v)
		}
	}
	for _, v := range []any{c, &c, s, []nexpay.Credentials{c}} {
		out, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotRegexp(t, "kkk|sss|ppp", string(out))
	}
	out, err := xml.Marshal(c)
	require.NoError(t, err)
	require.NotRegexp(t, "kkk|sss|ppp", string(out))
	require.Equal(t, c.String(), c.GoString())
	require.Equal(t, "nexpay.Credentials{Key: set, Secret: set, PaymentSecret: not set}", nexpay.Credentials{Key: "a", Secret: "b"}.String())
}

func TestNewSignerReportsEverything(t *testing.T) {
	for _, tt := range []struct {
		name string
		c    nexpay.Credentials
		want []string // in this order; none: it is fine
	}{
		{"fine", golden, nil},
		{"no payment secret", nexpay.Credentials{Key: "k", Secret: "s"}, nil},
		{"zero", nexpay.Credentials{}, []string{"Key is empty", "Secret is empty"}},
		{"all wrong", nexpay.Credentials{Key: "zzz\nzzz", Secret: " zzz", PaymentSecret: "zzz\xff"},
			[]string{"Key has a character", "Credentials.Secret begins or ends", "PaymentSecret is not UTF-8"}},
		{"key with a space", nexpay.Credentials{Key: "zzz ", Secret: "s"}, []string{"Key has a character"}},
		{"key not ASCII", nexpay.Credentials{Key: "zzzé", Secret: "s"}, []string{"Key has a character"}},
		{"copied line end", nexpay.Credentials{Key: "k", Secret: "zzz\n", PaymentSecret: "\tzzz"}, []string{".Secret begins", ".PaymentSecret begins"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s, err := nexpay.NewSigner(tt.c)
			if tt.want == nil {
				require.NoError(t, err)
				require.NotNil(t, s)
				return
			}
			require.Error(t, err)
			require.Nil(t, s)
			lines := bytes.Split([]byte(err.Error()), []byte("\n"))
			require.Len(t, lines, len(tt.want))
			for i, want := range tt.want {
				require.Contains(t, string(lines[i]), want)
			}
			require.NotContains(t, err.Error(), "zzz")
		})
	}
}
