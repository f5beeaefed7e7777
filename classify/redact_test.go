package classify_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// What a code owes to the catalog stays, whatever stands in the request; the rest of it does not.
func TestRedactCodes(t *testing.T) {
	const secret = "sk_live_0123456789"
	catalog, err := classify.NewCatalog("api",
		classify.Rule{Codes: "insufficient_funds", Name: "No money", Class: classify.Fatal, Effect: classify.NotApplied},
		classify.Rule{Codes: "50", Name: "Nonce", Class: classify.Resync},
		classify.Rule{Codes: "30000..39999", Name: "Wrong", Class: classify.FixAndResend, Effect: classify.NotApplied},
		classify.Rule{Codes: "1000000000000..9999999999999999", Name: "Wide", Class: classify.FixAndResend},
		classify.Rule{Codes: "EAPI:*", Name: "API", Class: classify.Fatal},
	)
	require.NoError(t, err)
	hide := func(texts []*string) {
		for _, text := range texts {
			for _, what := range []string{secret, "insufficient_funds", "50", "30010", "4242424242424242", "EAPI"} {
				*text = strings.ReplaceAll(*text, what, "[…]")
			}
		}
	}
	for code, want := range map[classify.Code]classify.Code{
		"insufficient_funds": "insufficient_funds", "50": "50", "30010": "30010", // the catalog's
		"EAPI:Invalid " + secret: "EAPI:Invalid […]", "EAPI:EAPI": "EAPI:[…]",
		"4242424242424242": "[…]", // a card number, in a range
		secret:             "[…]", "no_" + secret: "no_[…]", "unheard_of": "unheard_of",
		classify.Code(strings.Repeat("x", 128-len(secret))) + secret: classify.Code(strings.Repeat("x", 128-len(secret))) + "[…]",
		classify.Code(strings.Repeat("50", 64)):                      "", // it grows beyond what a code may be
	} {
		t.Run(string(code), func(t *testing.T) {
			e := &classify.Error{Status: 402, TraceID: "a-" + secret, Details: []classify.Detail{{Code: code, Message: "for " + secret}}}
			before := catalog.Classify(e)
			catalog.Redact(e, hide)
			require.Equal(t, want, e.Details[0].Code)
			require.Equal(t, "for […]", e.Details[0].Message)
			require.Equal(t, "a-[…]", e.TraceID)
			if _, known := catalog.Lookup(code); known && code != "4242424242424242" {
				after := catalog.Classify(e)
				after.Code = before.Code
				require.Equal(t, before, after, "it is judged as it was")
			}
		})
	}
}

// Codes that there is no room for decide as well, and get printed.
func TestRedactSkippedCodes(t *testing.T) {
	const secret = "sk_live_0123456789"
	var body strings.Builder
	body.WriteString(`{"errors":[`)
	for i := range 20 {
		fmt.Fprintf(&body, `{"code":30010,"message":"%d"},`, i)
	}
	body.WriteString(`{"code":"` + secret + `"}]}`)
	e := classify.Nexpay().Decode(400, nil, []byte(body.String()))
	var none *classify.Catalog
	for _, c := range []*classify.Catalog{none, classify.Nexpay()} {
		c.Redact(e, func(texts []*string) {
			for _, text := range texts {
				*text = strings.ReplaceAll(*text, secret, "[…]")
			}
		})
		require.NotContains(t, fmt.Sprint(classify.Nexpay().Classify(e)), secret)
	}
}
