package policyfile

import (
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// A document is a file as it is written. Its tags have the names of the fields and their
// descriptions, which also go into the schema for editors.
type document struct {
	Schema         string                      `name:"$schema" doc:"Where editors find the schema of this format, in a JSON file. In YAML it is a comment: # yaml-language-server: $schema=…"`
	Extends        string                      `name:"extends" doc:"The built-in table to start from. Without it the file defines everything itself."`
	Name           string                      `name:"name" doc:"Name of the catalog, for people. Required without extends; with extends it replaces the name of the table."`
	AttemptTimeout wait                        `name:"attempt-timeout" doc:"Limit of one attempt: a duration such as 10s, or none."`
	Answer         answer                      `name:"answer" doc:"Where answers have code, message and so on. It replaces the answer of the extended table as a whole. Default: as in the extended table, or {\"errors\":[{\"code\":…,\"message\":…,\"data\":…}],\"traceId\":…}."`
	Rules          []rule                      `name:"rules" doc:"What codes mean. A rule for one code wins over the longest beginning, and a beginning over a range. A rule in this file wins over one of the same kind in the extended table."`
	Default        settings                    `name:"default" doc:"What applies if nothing more specific is set."`
	Classes        map[classify.Class]settings `name:"classes" doc:"By class of error: unclassified, retryable, resync, fix-and-resend, fatal."`
	Statuses       map[statuses]settings       `name:"statuses" doc:"By HTTP status, 100 to 599, or by a range such as 500..599. The attempts of a range apply only to its retryable statuses. A single status wins over a range, field by field."`
	Codes          map[classify.Code]settings  `name:"codes" doc:"By error code: one code each. Quote a code that YAML would not read as written."`
	Breaker        breakerSettings             `name:"breaker" doc:"When to stop sending to the server."`
	Budget         budgetSettings              `name:"budget" doc:"How much may be retried."`
}

// A rule gives the meaning of a code, or of several.
type rule struct {
	Code    codes           `name:"code" doc:"One code (card_declined, 100), a range of numbers (20000..29999) or a beginning (EAPI:*). Quote a code that YAML would not read as written: 010, 1_000, 0x1F, 1e3, on, ~." required:"true"`
	Name    string          `name:"name" doc:"What the code means." required:"true"`
	Class   ruleClass       `name:"class" doc:"What would help: retryable, resync, fix-and-resend or fatal." required:"true"`
	Effect  classify.Effect `name:"effect" doc:"What is known to have happened: unknown (the default), or not-applied if the code proves that the request changed nothing."`
	Lockout bool            `name:"lockout" doc:"The key is useless until a person acts. Only with class fatal."`
	Fix     string          `name:"fix" doc:"What a person should do about it."`
	Source  string          `name:"source" doc:"Where the information comes from."`
	Sure    bool            `name:"i-am-sure" doc:"Confirms a rule that looks like a mistake: effect not-applied for a code that looks like an HTTP 5xx; or a code that looks like an HTTP status, 300 to 599, in a table that classifies answers by their status (a file with statuses, or one that extends a table other than http)."`
}

// settings are the fields of a policy.
type settings struct {
	Attempts      count              `name:"attempts" doc:"Attempts of one call, the first included. 1: no retry; none: no limit but elapsed."`
	Backoff       backoff            `name:"backoff" doc:"How long to wait between attempts. Inherited as a whole."`
	Elapsed       wait               `name:"elapsed" doc:"How long after the start of a call another attempt may begin: a duration, or none for no limit. It does not interrupt an attempt, a Fix or a wait for a turn on the key."`
	MaxRetryAfter wait               `name:"max-retry-after" doc:"The longest wait that a server may ask for: a duration, or none for no limit. If a server asks for more, the call ends."`
	Cost          count              `name:"cost" doc:"Tokens that a retry takes from the budget, at most its capacity; or none."`
	Breaker       policy.BreakerMode `name:"breaker" doc:"What the error means to the breaker: failure, ignored, success or trip."`
}

type backoff struct {
	Initial    wait          `name:"initial" doc:"The wait before the first retry: a duration, or none for no wait before any retry."`
	Max        period        `name:"max" doc:"The longest wait."`
	Multiplier float64       `name:"multiplier" doc:"The factor between one wait and the next, at least 1."`
	Jitter     policy.Jitter `name:"jitter" doc:"full, equal or none."`
}

type breakerSettings struct {
	ConsecutiveFailures count  `name:"consecutive-failures" doc:"Failures in a row that open the breaker; none: they do not open it. Default: 6."`
	FailureRatio        ratio  `name:"failure-ratio" doc:"Share of failed calls that opens the breaker, above 0 and up to 1; none: it does not open it. Default: 0.5."`
	MinCalls            amount `name:"min-calls" doc:"Calls that the window must have before failure-ratio applies. Default: 20."`
	Window              period `name:"window" doc:"The period for failure-ratio. Default: 30 s."`
	OpenFor             period `name:"open-for" doc:"The longest time that the breaker stays open at first. Default: 3 s."`
	MaxOpenFor          period `name:"max-open-for" doc:"The longest time that the breaker stays open after failed probes. Default: 6 s."`
	Probes              amount `name:"probes" doc:"Calls allowed while half-open, all of which must succeed. Default: 1."`
	ProbeTimeout        period `name:"probe-timeout" doc:"How long a probe may take. Default: 10 s."`
	SlowCall            period `name:"slow-call" doc:"How long a call may take before it counts as failed. Default: no limit."`
	ReportOnly          bool   `name:"report-only" doc:"Report when the breaker would open, but refuse no call."`
}

type budgetSettings struct {
	Capacity amount `name:"capacity" doc:"Tokens that the budget holds, and starts with. Default: 100."`
	Deposit  count  `name:"deposit" doc:"Tokens that a success puts back, or none. Default: 1."`
	FullIn   wait   `name:"full-in" doc:"Time in which an empty budget refills by itself; none: it does not. Default: 5 min."`
	Refund   refund `name:"refund" doc:"What a retry that succeeds puts back: price-and-deposit, price, or none. Default: price-and-deposit."`
}

// Scalars of their own type.
type (
	wait     time.Duration // a duration, or none
	count    int           // a number of at least 1, or none
	period   time.Duration // a duration
	amount   int           // a number of at least 1
	ratio    float64       // a share, or none
	status   int           // an HTTP status
	statuses struct{ first, last status }
	refund   uint8

	ruleClass classify.Class
)
