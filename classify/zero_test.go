package classify_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

type withCode int

func (c withCode) Error() string  { return "an error" }
func (c withCode) ErrorCode() int { return int(c) }

// The zero Catalog has no rules and is otherwise like any other.
func TestZeroCatalog(t *testing.T) {
	c := new(classify.Catalog)
	require.Equal(t, classify.Retryable, c.Classify(&classify.Error{Status: 503}).Class)
	require.Equal(t, classify.Code("7"), c.Classify(withCode(7)).Code)
	require.Equal(t, classify.Shape{}, c.Shape())
	answer := c.Decode(403, nil, []byte(`{"errors":[{"code":7}]}`))
	require.Equal(t, []classify.Detail{{Code: "7"}}, answer.Details)
	key, _ := c.IdempotencyKey(nil)
	require.Empty(t, key)
	with, err := c.With(classify.Rule{Codes: "7", Name: "Refused", Class: classify.Fatal})
	require.NoError(t, err)
	require.Equal(t, classify.Fatal, with.Classify(answer).Class)
}

func TestZeroAdapter(t *testing.T) {
	c := classify.Nexpay().WithAdapters(classify.Adapter{})
	require.Equal(t, classify.Unclassified, c.Classify(errors.New("what is that?")).Class)
}
