package policyfile

import (
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// A document is a file as it is written. Its tags are the names of the fields and
// what they mean, for the schema that editors complete from.
type document struct {
	Schema         string                      `name:"$schema" doc:"Where editors find the description of this format, in JSON. In YAML they take it from a comment: # yaml-language-server: $schema=…"`
	Extends        string                      `name:"extends" doc:"The table to start from: one of those that come with the library. Without it the file has all that there is."`
	Name           string                      `name:"name" doc:"Of the catalog, for people. Required without extends; with it, it takes the place of the name there."`
	AttemptTimeout wait                        `name:"attempt-timeout" doc:"Bound of one send: a duration such as 10s, or none."`
	Answer         answer                      `name:"answer" doc:"Where answers keep what matters. Without it they are as the table that it extends says, whose answer it replaces as a whole; or {\"errors\":[{\"code\":…,\"message\":…,\"data\":…}],\"traceId\":…}."`
	Rules          []rule                      `name:"rules" doc:"What codes mean. One code wins over the longest beginning, that over a range; and a rule of this file over one of its kind of the table that it extends."`
	Default        settings                    `name:"default" doc:"What to do where nothing more special says otherwise."`
	Classes        map[classify.Class]settings `name:"classes" doc:"By class of error: unclassified, retryable, resync, fix-and-resend, fatal."`
	Statuses       map[statuses]settings       `name:"statuses" doc:"By HTTP status, 100 to 599, or by a range of them, such as 500..599, whose attempts go only to those that are retryable. A single status wins over a range, field by field."`
	Codes          map[classify.Code]settings  `name:"codes" doc:"By error code: one each, in quotes if YAML would read it as something else than it looks."`
	Breaker        breakerSettings             `name:"breaker" doc:"When to leave the server alone."`
	Budget         budgetSettings              `name:"budget" doc:"How much may be sent again."`
}

// A rule says what a code, or a range of them, means.
type rule struct {
	Code    codes           `name:"code" doc:"One code (card_declined, 100), a range of numbers (20000..29999) or a beginning (EAPI:*). In quotes, if YAML would read it as something else than it looks: 010, 1_000, 0x1F, 1e3, on, ~." required:"true"`
	Name    string          `name:"name" doc:"What it means." required:"true"`
	Class   ruleClass       `name:"class" doc:"What would help: retryable, resync, fix-and-resend or fatal." required:"true"`
	Effect  classify.Effect `name:"effect" doc:"What is known to have happened: unknown (if nothing is said), or not-applied, if the code proves that the request changed nothing."`
	Lockout bool            `name:"lockout" doc:"The key is of no use until a person acts. Only with class fatal."`
	Fix     string          `name:"fix" doc:"What the person who gets it should do."`
	Source  string          `name:"source" doc:"Where the fact comes from."`
	Sure    bool            `name:"i-am-sure" doc:"Needed where effect not-applied is claimed of a code that reads like an HTTP 5xx; and for a code that reads like an HTTP status, 300 to 599, where the table judges answers by their status: in a file with statuses, or one that extends another table than http."`
}

// settings are a policy.
type settings struct {
	Attempts      count              `name:"attempts" doc:"Sends of one call, the first included: 1 never sends again; none: no limit but elapsed."`
	Backoff       backoff            `name:"backoff" doc:"How long to wait between sends. Inherited whole."`
	Elapsed       wait               `name:"elapsed" doc:"How long after its beginning a call may still be sent again; a send under way, a Fix or a wait for a turn on the key is not cut short: a duration, or none for no limit."`
	MaxRetryAfter wait               `name:"max-retry-after" doc:"The longest wait that a server may ask for; one that asks for longer ends the call: a duration, or none for no limit."`
	Cost          count              `name:"cost" doc:"Tokens of the budget that a resend takes, no more than its capacity; or none."`
	Breaker       policy.BreakerMode `name:"breaker" doc:"What it means to the breaker: failure, ignored, success or trip."`
}

type backoff struct {
	Initial    wait          `name:"initial" doc:"Before the first resend: a duration, or none for no wait at all."`
	Max        period        `name:"max" doc:"The longest wait."`
	Multiplier float64       `name:"multiplier" doc:"How many times as long each further wait is, from 1 up."`
	Jitter     policy.Jitter `name:"jitter" doc:"full, equal or none."`
}

type breakerSettings struct {
	ConsecutiveFailures count  `name:"consecutive-failures" doc:"In a row open it; none: they do not. Left out: 6."`
	FailureRatio        ratio  `name:"failure-ratio" doc:"Share of failed calls, above 0 and up to 1, that opens it; none: it does not. Left out: 0.5."`
	MinCalls            amount `name:"min-calls" doc:"That the window must hold before the ratio applies. Left out: 20."`
	Window              period `name:"window" doc:"How far back the ratio looks. Left out: 30 s."`
	OpenFor             period `name:"open-for" doc:"How long it stays open at first, at most. Left out: 3 s."`
	MaxOpenFor          period `name:"max-open-for" doc:"And at most. Left out: 6 s."`
	Probes              amount `name:"probes" doc:"Calls let through half-open, all of which must succeed. Left out: 1."`
	ProbeTimeout        period `name:"probe-timeout" doc:"How long a probe may take. Left out: 10 s."`
	SlowCall            period `name:"slow-call" doc:"How long a call may take before it counts as failed. Left out: for ever."`
	ReportOnly          bool   `name:"report-only" doc:"Refuse nothing, report all the same."`
}

type budgetSettings struct {
	Capacity amount `name:"capacity" doc:"Tokens that it holds, and starts with. Left out: 100."`
	Deposit  count  `name:"deposit" doc:"Tokens that a success puts back, or none. Left out: 1."`
	FullIn   wait   `name:"full-in" doc:"Time in which an empty one is full by itself, or none: not by time. Left out: 5 min."`
	Refund   refund `name:"refund" doc:"What a resend that succeeds gets back: price-and-deposit, price, or none. Left out: price-and-deposit."`
}

// Scalars with a spelling of their own.
type (
	wait     time.Duration // a duration, or none
	count    int           // a number from 1 up, or none
	period   time.Duration // a duration
	amount   int           // a number from 1 up
	ratio    float64       // a share, or none
	status   int           // an HTTP status
	statuses struct{ first, last status }
	refund   uint8

	ruleClass classify.Class
)
