package retryhttp_test

import (
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// What a 4xx without a code proves: as docs/http.md says, that nothing was applied where the
// method may be repeated anyway, and nothing otherwise.
func TestEffectOfABareStatus(t *testing.T) {
	const no, unknown = classify.NotApplied, classify.Unknown
	for _, tt := range []struct {
		statuses  []int
		get, post classify.Effect
	}{
		{[]int{400}, no, unknown},
		{[]int{403}, no, unknown},
		{[]int{404}, no, unknown},
		{[]int{422}, no, unknown},
		{[]int{409}, unknown, unknown},
		{[]int{499}, unknown, unknown},
		{[]int{421}, no, no},
		{[]int{408}, unknown, unknown},
		{[]int{429}, unknown, unknown},
		{[]int{503, 400}, unknown, unknown},
	} {
		for method, want := range map[string]classify.Effect{"GET": tt.get, "PUT": tt.get, "DELETE": tt.get, "POST": tt.post, "PATCH": tt.post} {
			synctest.Test(t, func(t *testing.T) {
				bank := answers()
				for _, status := range tt.statuses {
					bank.answers = append(bank.answers, says(status, ""))
				}
				tr := &retryhttp.Transport{Base: bank, Retrier: retrier(t, retry.Config{}), AlwaysError: true}
				_, err := tr.RoundTrip(request(t, method, "amount=17"))
				require.Equal(t, want, errorOf(t, err).Effect, fmt.Sprint(method, tt.statuses))
			})
		}
	}
}
