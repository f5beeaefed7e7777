package retry_test

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A vendors is an error of a library that keeps all in fields.
type vendors struct {
	status int
	codes  []classify.Code
}

func (*vendors) Error() string { return "refused" }

// A layer is an error of a library around one of another layer's, and tells a status.
type layer struct {
	status int
	inner  error
}

func (layer) Error() string     { return "a layer" }
func (l layer) StatusCode() int { return l.status }
func (l layer) Unwrap() error   { return l.inner }

// A client is an error that tells its status by the methods of two libraries.
type client struct {
	coded
	http, gax int
}

func (c client) HTTPStatusCode() int { return c.http }
func (c client) HTTPCode() int       { return c.gax }

// What an error of the caller's own proves, it proves as an answer would: with all that
// it tells (M3).
func TestProofInErrorsOfTheCallers(t *testing.T) {
	adapter := classify.Adapt(func(v *vendors) classify.Error {
		e := classify.Error{Status: v.status}
		for _, code := range v.codes {
			e.Details = append(e.Details, classify.Detail{Code: code})
		}
		return e
	})
	for name, tt := range map[string]struct {
		err   error
		proof bool
	}{
		"an adapter":                              {&vendors{422, []classify.Code{"30010"}}, true},
		"an adapter, wrapped":                     {fmt.Errorf("x: %w", &vendors{422, []classify.Code{"30010"}}), true},
		"an adapter, no status":                   {&vendors{0, []classify.Code{"30010"}}, true},
		"an adapter, several that agree":          {&vendors{422, []classify.Code{"30010", "10"}}, true},
		"an adapter, one that no rule knows":      {&vendors{402, []classify.Code{"10", "7"}}, false},
		"an adapter, one that says nothing of it": {&vendors{422, []classify.Code{"10", "-32603"}}, false},
		"an adapter, one that is no code":         {&vendors{422, []classify.Code{"10", ""}}, false},
		"an adapter, 50 behind another":           {&vendors{422, []classify.Code{"30010", "50"}}, false},
		"an adapter, nothing but a status":        {&vendors{422, nil}, false},
		"an adapter, 409":                         {&vendors{409, []classify.Code{"30010"}}, false},
		"a status around the adapter's":           {layer{503, &vendors{422, []classify.Code{"30010"}}}, false},
		"a status within another":                 {layer{422, layer{503, coded(30010)}}, false},
		"a 2xx within":                            {layer{422, layer{200, coded(30010)}}, false},
		"statuses that agree":                     {layer{422, layer{400, coded(30010)}}, true},
		"a status that is none":                   {layer{-1, layer{0, coded(30010)}}, true},
		"a status that nobody has":                {layer{999, coded(30010)}, false},
		"two methods that agree":                  {client{30010, 400, 400}, true},
		"two methods, one says none":              {client{30010, 400, -1}, true},
		"two methods that do not":                 {client{30010, 400, 503}, false},
		"gax alone":                               {client{30010, 0, 503}, false},
		"a mark around it":                        {retry.Permanent(&vendors{422, []classify.Code{"30010"}}), true},
		"a mark around less than that":            {retry.Permanent(&vendors{402, []classify.Code{"10", "7"}}), false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := &payment{sends: []error{tt.err}, looks: []found{applied}, onSend: connected}
				cfg := retry.Config{Policies: policy.Nexpay(), Classifier: classify.Nexpay().WithAdapters(adapter)}
				_, err := pay(t, t.Context(), cfg, p)
				require.Equal(t, !tt.proof, len(p.looked) > 0, "%v", err)
			})
		})
	}
}

// Of errors that a table was never chosen for, it proves nothing, in any company.
func TestStrangersProveNothing(t *testing.T) {
	for name, err := range map[string]error{
		"one":                     coded(30010),
		"two":                     errors.Join(coded(30010), coded(10)),
		"beside an answer":        errors.Join(code(400, "30010"), coded(10)),
		"before an answer":        errors.Join(coded(10), code(400, "30010")),
		"one that locks keys out": errors.Join(coded(100), code(400, "30010")),
		"wrapped":                 fmt.Errorf("x: %w", errors.Join(code(400, "30010"), fmt.Errorf("y: %w", coded(130)))),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRetrier(t, retry.Config{})
				p := &payment{sends: []error{err}, looks: []found{applied}, onSend: connected}
				_, err := retry.DoOnce(t.Context(), r, p.operation())
				require.NoError(t, err, "Applied wins")
				require.Len(t, p.looked, 1)
				require.NoError(t, r.Lockout().Check(""))
			})
		})
	}
}
