// Package sdks has a recipe for each of seven SDKs that keep what their errors tell in
// fields: an adapter that turns those errors into answers. Give it to the catalog of
// the API:
//
//	catalog = catalog.WithAdapters(sdks.Stripe)
//
// Each comment says how to switch off the SDK's own retries. Do: beneath those of
// package retry they multiply, four sends of three each, and what they repeat nobody
// proves anything about: the refusal that the last copy got says nothing of the first.
package sdks

import (
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// shaped is a catalog without rules, to read answers of that shape: where an SDK keeps
// the header and the body, nothing needs to be picked out of its fields.
func shaped(name string, shape classify.Shape) *classify.Catalog {
	c, err := classify.NewCatalog(name)
	if err == nil {
		c, err = c.WithShape(shape)
	}
	if err != nil {
		panic(err) // a mistake in this package, when it is loaded
	}
	return c
}

// heading is what the header of an answer says, without its body: how long to wait,
// and the trace id.
func heading(shape *classify.Catalog, resp *http.Response) classify.Error {
	if resp == nil {
		return classify.Error{}
	}
	return *shape.Decode(resp.StatusCode, resp.Header, nil)
}
