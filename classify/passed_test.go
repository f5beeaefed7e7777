package classify_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

// Of several things that were asked for, others may have been done: an answer proves
// nothing that holds places for errors which no path has looked at, or has found none at.
func TestWhatIsPassedOverProvesNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		paths []string
		body  string
		whole bool
	}{
		"elements in elements, one without any":   {[]string{"$.results[*].errors[*].code"}, `{"results":[{"id":"paid"},{"errors":[{"code":"late"}]}]}`, false},
		"one whose list is empty":                 {[]string{"$.results[*].errors[*].code"}, `{"results":[{"errors":[]},{"errors":[{"code":"late"}]}]}`, false},
		"all with one":                            {[]string{"$.results[*].errors[*].code"}, `{"results":[{"errors":[{"code":"x"}]},{"errors":[{"code":"late"},{"code":"y"}]}]}`, true},
		"words in lists, one without any":         {[]string{"$.results[*].errors[*]"}, `{"results":[{"id":"paid"},{"errors":["late"]}]}`, false},
		"a deep one in elements, one without any": {[]string{"$.a[*].b[*].error.code"}, `{"a":[{"b":[{"error":{"code":"x"}},{"id":1}]},{"b":[{"error":{"code":"x"}}]}]}`, false},
		"three lists, the outermost without any":  {[]string{"$[*].a[*].b[*].code"}, `[{"a":[{"b":[{"code":"x"}]}]},{"a":[]}]`, false},
		"two codes where one has none":            {[]string{"$.r[*].error.code"}, `{"r":[{"error":{"code":"a"},"error":{"code":"b"}},{"id":"paid"}]}`, false},
		"an index":                                {[]string{"$.errors[0].code"}, `{"errors":[{"code":"x"}]}`, true},
		"an index, and others beside it":          {[]string{"$.errors[0].code"}, `{"errors":[{"code":"x"},{"code":"y"}]}`, false},
		"an index at the top":                     {[]string{"$[0].code"}, `[{"code":"x"},{"id":"paid"}]`, false},
		"an index, and each":                      {[]string{"$[0].code", "$[*].code"}, `[{"code":"x"},{"id":"paid"}]`, false},
		"a tuple":                                 {[]string{"$[1]"}, `["error",10020,"apikey: invalid"]`, false},
		"a tuple of which each is known":          {[]string{"$[1]", "$[2]"}, `["error",10020,"apikey: invalid"]`, true},
		"an index beside the way of a code":       {[]string{"$.error.code"}, `{"error":{"code":"x"},"texts":["one","two"]}`, true},
	} {
		c := shaped(t, classify.Shape{Code: tt.paths, Message: []string{"$.texts[0]"}})
		require.Equal(t, tt.whole, c.Decode(422, nil, []byte(tt.body)).Complete(), name)
	}
}
