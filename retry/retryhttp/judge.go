package retryhttp

import (
	"net/http"

	"github.com/nexpay-go/resilience/classify"
)

// judge returns the error that a response amounts to, nil for a success. The body can be
// read as if it had not been read before.
func (x *exchange) judge(resp *http.Response, out *http.Request) error {
	switch code := resp.StatusCode; {
	case code >= 200 && code <= 299:
		return x.inspect(resp, out)
	case x.payment: // neither a redirect nor anything else says that it happened
		resp.Header.Del("Location")
	case code == http.StatusSwitchingProtocols, code == http.StatusNotModified:
		return nil
	case code >= 300 && code <= 399 && resp.Header.Get("Location") != "":
		if x.mayFollow(resp) {
			return nil
		}
		resp.Header.Del("Location")
	}
	return peek(resp, out, mostError, x.fromResponse)
}

func (x *exchange) fromResponse(resp *http.Response) error {
	if x.catalog == nil {
		return classify.FromResponse(resp)
	}
	return x.catalog.FromResponse(resp)
}

func (x *exchange) readJSON(resp *http.Response) error {
	if x.catalog == nil {
		return classify.ReadJSON(resp, nil)
	}
	return x.catalog.ReadJSON(resp, nil)
}

// inspect looks for errors in a 2xx.
func (x *exchange) inspect(resp *http.Response, out *http.Request) error {
	var err error
	if x.t.InspectJSON || x.payment {
		err = peek(resp, out, mostJSON, x.readJSON)
	} else {
		err = x.inspectSmall(resp, out)
	}
	if err != nil {
		return err
	}
	if x.t.Judge == nil {
		return nil
	}
	return judged(overhear(resp, x.t.Judge))
}

func (x *exchange) mayFollow(resp *http.Response) bool {
	if x.t.AllowRedirect == nil {
		return false
	}
	from := *x.req.URL
	to, err := from.Parse(resp.Header.Get("Location"))
	return err == nil && x.t.AllowRedirect(&from, to)
}
