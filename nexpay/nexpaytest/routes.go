package nexpaytest

import (
	"net/http"

	"github.com/nexpay-go/resilience/nexpay"
)

// A route answers for one path: by serve, or by what a user has set.
type route struct {
	method string
	serve  serving
	answer func(key string, params nexpay.Form) Fault
}

// serving is the bank's own work. Its body is what to send as JSON, nil for an
// empty body; executed says whether it changed the ledger. The caller holds mu.
type serving func(*Bank, *Key, *call) (body any, executed bool, r refusal)

// routes are what every bank begins with.
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

// A Route is a path of the user's own, with the same checks before it as every
// other: Answer is called once they hold.
type Route struct {
	Method string // of the only method there is; required
	Path   string // exactly this one, as encoded on the wire; required

	// Answer gets the ID of the API key and the parameters, out of the body of a
	// POST and out of the query of anything else, in their order. What it returns
	// answers as Config.UnknownPayment does; the zero Fault is a 200 with an
	// empty body. It is called without a lock held and may use the bank, and must
	// be safe for concurrent use. Required.
	Answer func(key string, params nexpay.Form) Fault
}

// AddRoute adds a path, or replaces the one that is there. It panics on a Route
// that lacks something.
func (b *Bank) AddRoute(r Route) {
	if r.Method == "" || r.Path == "" || r.Path[0] != '/' || r.Answer == nil {
		panic(`nexpaytest: a Route needs a Method, a Path that begins with "/", and an Answer`)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.routes[r.Path] = route{method: r.Method, answer: r.Answer}
}

// ask has a user's route answer. The caller holds mu, which is free meanwhile.
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

// params are those of the body, or of the query where there is no body.
func (c *call) params() (nexpay.Form, error) {
	if c.method == http.MethodPost {
		return c.form, nil
	}
	return nexpay.ParseForm(c.query)
}
