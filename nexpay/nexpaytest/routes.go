package nexpaytest

import (
	"net/http"

	"github.com/nexpay-go/resilience/nexpay"
)

// A route serves one path: by serve, or by the user's Answer.
type route struct {
	method string
	serve  serving
	answer func(key string, params nexpay.Form) Fault
}

// serving is the bank's own work. body is sent as JSON, nil as an empty body;
// executed reports whether the ledger changed. The caller holds mu.
type serving func(*Bank, *Key, *call) (body any, executed bool, r refusal)

// routes are the routes of a new bank.
var routes = map[string]route{
	"/api/1/eurowallet/payments":                  {method: http.MethodPost, serve: createPayment(1)},
	"/api/2/eurowallet/payments":                  {method: http.MethodPost, serve: createPayment(2)},
	"/api/2/eurowallet/payments/reschedule":       {method: http.MethodPost, serve: (*Bank).reschedule},
	"/api/2/eurowallet/payments/cancel-scheduled": {method: http.MethodPost, serve: (*Bank).cancelScheduled},
	"/api/1/eurowallet/payments/status":           {method: http.MethodGet, serve: (*Bank).paymentStatus},
	"/api/1/nexpay/payments":                      {method: http.MethodGet, serve: (*Bank).paymentDetails},
	"/api/1/eurowallet/payments/history":          {method: http.MethodGet, serve: (*Bank).history},
	"/api/1/eurowallet/status":                    {method: http.MethodGet, serve: (*Bank).accountStatus},
	"/api/1/eurowallet/batch/status":              {method: http.MethodGet, serve: (*Bank).batch},
	"/api/1/eurowallet/batch/payments/statuses":   {method: http.MethodGet, serve: (*Bank).batch},
	"/api/1/eurowallet/deposit-details":           {method: http.MethodGet, serve: (*Bank).depositDetails},
	"/api/1/eurowallet/payments/commission":       {method: http.MethodGet, serve: (*Bank).commission},
}

// A Route is a path of the user's own. The bank makes the same checks for it as for
// every other path, and calls Answer once they pass.
type Route struct {
	Method string // the only allowed method; required
	Path   string // exactly this one, as encoded on the wire; required

	// Answer gets the ID of the API key and the parameters in their order: from the
	// body of a POST, and from the query of any other method. The Fault that it
	// returns is the answer, as in Config.UnknownPayment; RetryAfter, Header and
	// apply too, and the zero Fault is a 200 with an empty body. Answer is
	// called without a lock held, may use the bank, and must be safe for concurrent
	// use. Required.
	Answer func(key string, params nexpay.Form) Fault
}

// AddRoute adds a path, or replaces an existing one. It panics if a required field is
// missing.
func (b *Bank) AddRoute(r Route) {
	if r.Method == "" || r.Path == "" || r.Path[0] != '/' || r.Answer == nil {
		panic(`nexpaytest: a Route must have a Method, a Path that begins with "/", and an Answer`)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.routes[r.Path] = route{method: r.Method, answer: r.Answer}
}

// ask calls the user's Answer. The caller holds mu, which is unlocked during the
// call.
func (b *Bank) ask(to route, key string, params nexpay.Form, trace string) answer {
	b.mu.Unlock()
	defer b.mu.Lock() // also if the user's code panics
	f := to.answer(key, params)
	if err := f.check(); err != nil {
		return newAnswer(http.StatusInternalServerError, "text/plain", []byte(err.Error()+"\n"))
	}
	a := f.answer(trace)
	a.status = or(a.status, http.StatusOK)
	f.spoil(&a)
	return a
}

// params returns the parameters of the body, or of the query where there is no body.
func (c *call) params() (nexpay.Form, error) {
	if c.method == http.MethodPost {
		return c.form, nil
	}
	return nexpay.ParseForm(c.query)
}
