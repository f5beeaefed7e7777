package classify_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// A shape is looked at for each answer: it has bounds, like those of a file.
func TestShapesHaveBounds(t *testing.T) {
	var s classify.Shape
	for n := range 101 {
		s.Success = append(s.Success, classify.Code(fmt.Sprint(n)))
		if n < 17 {
			s.TraceID = append(s.TraceID, fmt.Sprintf("$.trace%d", n))
		}
	}
	_, err := classify.Nexpay().WithShape(s)
	require.ErrorContains(t, err, "TraceID")
	require.ErrorContains(t, err, "more than 16")
	require.ErrorContains(t, err, "Success")
	require.ErrorContains(t, err, "more than 100")
	s.Success, s.TraceID = s.Success[1:], s.TraceID[1:]
	_, err = classify.Nexpay().WithShape(s)
	require.NotContains(t, fmt.Sprint(err), "more than")
}
