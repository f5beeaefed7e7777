package retry_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Policies without a catalog are for an API whose codes nobody has explained. Those of
// another vendor must not lock its key, prove anything or have it sent again.
func TestPoliciesWithoutACatalogKnowNoCode(t *testing.T) {
	plain, err := policy.New(policy.Table{Default: policy.Policy{MaxAttempts: 2}})
	require.NoError(t, err)
	for _, policies := range []*policy.Set{policy.Standard(), plain} {
		for _, c := range []classify.Code{"100", "130", "50", "30010", "-32603"} {
			r := newRetrier(t, retry.Config{Policies: policies, Key: "main"})
			sends := 0
			err := retry.Do(t.Context(), r, func(context.Context) error { sends++; return code(400, c) })
			e := asError(t, err)
			require.Equal(t, classify.Verdict{Class: classify.FixAndResend, Code: c, Status: 400, Rule: "HTTP 400"}, e.Verdict)
			require.Equal(t, 1, sends)
			require.NoError(t, r.Lockout().Check("main"))
			require.Empty(t, r.Catalog().Name())

			// Neither does what a catalog knows go when others are loaded that have none.
			require.NoError(t, r.Reload(policy.Nexpay()))
			require.NoError(t, r.Reload(policies))
			require.Equal(t, "Nexpay", r.Catalog().Name())
		}
	}
}
