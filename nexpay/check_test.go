package nexpay_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// Only after some call was answered does an error prove that a payment does not exist.
func TestCheck(t *testing.T) {
	bank, creds := nexpaytest.NewKeyed()
	c := ways["in process"](t, bank, creds)
	p := nexpay.Payment{Client: c}
	require.ErrorContains(t, p.CheckAbsent(withNonce(t.Context(), 1)), "call Client.Check at start")
	bank.Script(nexpaytest.Fault{Status: 503})
	require.Error(t, c.Check(withNonce(t.Context(), 2)))
	require.Error(t, p.CheckAbsent(withNonce(t.Context(), 3)), "a failure shows nothing")
	require.NoError(t, c.Check(withNonce(t.Context(), 4)))
	require.NoError(t, p.CheckAbsent(withNonce(t.Context(), 5)))
}

// What the sandbox shows before anybody has paid.
func TestCheckAbsent(t *testing.T) {
	for _, c := range []struct {
		name  string
		fault nexpaytest.Fault
		p     nexpay.Payment
		want  string // "" if that is well
	}{
		{"another code", nexpaytest.Fault{Status: 400, Code: "30123"}, nexpay.Payment{}, "does not recognize this answer"},
		{"another code, expected", nexpaytest.Fault{Status: 400, Code: "30123"}, nexpay.Payment{Absent: code30123}, ""},
		{"a page", nexpaytest.Fault{HTML: true, Status: 404}, nexpay.Payment{}, "not a complete error of the API"},
		{"found, of all things", nexpaytest.Fault{Body: []byte(found)}, nexpay.Payment{}, "nobody has used was found"},
		{"details", nexpaytest.Fault{}, nexpay.Payment{Details: true}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			bank, creds := nexpaytest.NewKeyed()
			client := ways["in process"](t, bank, creds)
			require.NoError(t, client.Check(withNonce(t.Context(), 1)))
			bank.Script(c.fault)
			c.p.Client = client
			err := c.p.CheckAbsent(withNonce(t.Context(), 2))
			if c.want == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, c.want)
			unproven, ok := errors.AsType[*nexpay.UnprovenError](err)
			require.True(t, ok)
			require.NotNil(t, unproven.Answer)
			require.Equal(t, classify.Unclassified, classify.Nexpay().Classify(err).Class, "so nothing is sent again for it")
		})
	}
}
