package classify_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

func TestIdempotencyKey(t *testing.T) {
	plain, err := classify.NewCatalog("api")
	require.NoError(t, err)
	c, err := plain.WithShape(classify.Shape{IdempotencyKeys: []string{"idempotency-key", "X-Request-Key"}, IdempotentFor: time.Hour})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		header http.Header
		want   string
	}{
		"none":              {nil, ""},
		"another header":    {http.Header{"X-Key": {"a"}}, ""},
		"one":               {http.Header{"Idempotency-Key": {"inv-7"}}, "inv-7"},
		"of another name":   {http.Header{"X-Request-Key": {" inv-7 "}}, "inv-7"},
		"not canonical":     {http.Header{"idempotency-key": {"inv-7"}}, "inv-7"},
		"empty":             {http.Header{"Idempotency-Key": {""}}, ""},
		"blank":             {http.Header{"Idempotency-Key": {" \t"}}, ""},
		"no value":          {http.Header{"Idempotency-Key": {}}, ""},
		"twice":             {http.Header{"Idempotency-Key": {"a", "a"}}, ""},
		"twice, one empty":  {http.Header{"Idempotency-Key": {"a", ""}}, ""},
		"twice, two ways":   {http.Header{"Idempotency-Key": {"a"}, "idempotency-key": {"a"}}, ""},
		"under both names":  {http.Header{"Idempotency-Key": {"a"}, "X-Request-Key": {"b"}}, ""},
		"beside other ones": {http.Header{"Idempotency-Key": {"a"}, "Accept": {"b"}}, "a"},
	} {
		t.Run(name, func(t *testing.T) {
			key, keeps := c.IdempotencyKey(tt.header)
			require.Equal(t, tt.want, key)
			require.Equal(t, tt.want != "", keeps == time.Hour)
			key, keeps = plain.IdempotencyKey(tt.header)
			require.Empty(t, key)
			require.Zero(t, keeps)
		})
	}
}
