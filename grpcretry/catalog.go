package grpcretry

import (
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/policy"
)

// Catalog returns the catalog of gRPC's sixteen error codes, by name: "UNAVAILABLE". Use
// [classify.Catalog.With] to add rules for the google.rpc.ErrorInfo of an API, as
// domain/reason: a rule for "pay.example.com/CARD_DECLINED" or "pay.example.com/*" takes
// precedence over the rule for the status code.
//
// The catalog also reads errors of calls made without [DialOptions], by their GRPCStatus
// method: code, message, google.rpc.RetryInfo and RequestInfo. It cannot know whether
// such an error came from the server, or what its message repeats of the request.
//
// No rule locks a key out: UNAUTHENTICATED may be an expired token. If it means that the
// key cannot work until a person acts, add your own rule for it.
func Catalog() *classify.Catalog { return catalog() }

const docs = "gRPC documentation, status codes (doc/statuscodes.md) and gRFC A6, read 2026-11-28"

// names of the codes, by their numbers, as they are written in the documentation.
var names = [...]string{
	"OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
	"RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
	"DATA_LOSS", "UNAUTHENTICATED",
}

var catalog = sync.OnceValue(func() *classify.Catalog {
	const fix, retryable, fatal = classify.FixAndResend, classify.Retryable, classify.Fatal
	var rules []classify.Rule
	add := func(code codes.Code, name string, class classify.Class, effect classify.Effect, advice string) {
		rules = append(rules, classify.Rule{Codes: names[code], Name: name, Class: class, Effect: effect, Fix: advice, Source: docs})
	}
	add(codes.Canceled, "Cancelled", fatal, classify.Unknown, "No action needed if the caller meant to cancel the call.")
	add(codes.Unknown, "Unknown error", fatal, classify.Unknown, "Look for the cause in the server's log: the status was lost on the way.")
	add(codes.InvalidArgument, "Invalid argument", fix, classify.NotApplied, "Correct the argument that the message names.")
	add(codes.DeadlineExceeded, "Deadline exceeded", retryable, classify.Unknown, "The call may have succeeded: check before you repeat one that is not idempotent.")
	add(codes.NotFound, "Not found", fatal, classify.NotApplied, "Check the name of the resource, and whether the caller may see it.")
	add(codes.AlreadyExists, "Already exists", fatal, classify.Unknown, "Check whether an earlier attempt created it.")
	add(codes.PermissionDenied, "Permission denied", fatal, classify.NotApplied, "Give the caller the permission.")
	add(codes.ResourceExhausted, "Quota or size exhausted", retryable, classify.Unknown, "Ask for less or for a larger quota, or allow larger messages.")
	add(codes.FailedPrecondition, "Failed precondition", fatal, classify.NotApplied, "Put the system into the state that the operation needs, then call again.")
	add(codes.Aborted, "Aborted", fatal, classify.Unknown, "Repeat the whole transaction from its beginning, not this call.")
	add(codes.OutOfRange, "Out of range", fix, classify.NotApplied, "Stay within the range.")
	add(codes.Unimplemented, "Not implemented", fatal, classify.NotApplied, "Check method and version of the service.")
	add(codes.Internal, "Internal error", fatal, classify.Unknown, "Report it to the operators of the server.")
	add(codes.Unavailable, "Unavailable", retryable, classify.Unknown, "Wait and send again; check first if the call is not idempotent.")
	add(codes.DataLoss, "Data loss", fatal, classify.Unknown, "Report it to the operators of the server.")
	add(codes.Unauthenticated, "Unauthenticated", fatal, classify.NotApplied, "Send valid credentials.")
	c, err := classify.NewCatalog("gRPC", rules...)
	if err != nil {
		panic(err) // a test holds the table to be valid
	}
	return c.WithAdapters(classify.Adapt(bare))
})

// bare returns what an error with a gRPC status says if it did not come through our
// interceptor.
func bare(err statusError) classify.Error {
	if _, own := err.(*failure); own { // its methods report more
		return classify.Error{}
	}
	st := err.GRPCStatus()
	d := read(st, nil, nil, nil)
	return classify.Error{
		Details: []classify.Detail{{Code: name(st.Code()), Message: text.Line(st.Message())}},
		TraceID: d.trace, RetryAfter: d.wait,
	}
}

// A statusError is an error with a gRPC status.
type statusError interface {
	error
	GRPCStatus() *status.Status
}

// name returns the code's name, or its number if gRPC has no name for it.
func name(of code) classify.Code {
	if of < code(len(names)) {
		return classify.Code(names[of])
	}
	return number(of)
}

// Policies returns policy.Standard() with the [Catalog] and these policies for gRPC's
// codes:
//
//   - RESOURCE_EXHAUSTED: like HTTP 429, waits of up to 60 s that the server asks for,
//     90 s in all, 5 tokens per resend.
//   - UNKNOWN, INTERNAL and DATA_LOSS: like HTTP 500, not sent again, and a failure to
//     the breaker. CANCELLED: ignored by the breaker.
//
// Change them with With. Everything in policy.Table applies, for example AttemptTimeout,
// which is the deadline that the server gets.
func Policies() *policy.Set { return policies() }

var policies = sync.OnceValue(func() *policy.Set {
	failed := policy.Policy{Breaker: policy.Failure}
	p, err := policy.Standard().With(policy.Table{
		Name:    "gRPC",
		Catalog: Catalog(),
		Codes: map[classify.Code]policy.Policy{
			"RESOURCE_EXHAUSTED": {MaxElapsed: 90 * time.Second, MaxRetryAfter: time.Minute, Cost: 5},
			"UNKNOWN":            failed,
			"INTERNAL":           failed,
			"DATA_LOSS":          failed,
			"CANCELLED":          {Breaker: policy.Ignored},
		},
	})
	if err != nil {
		panic(err) // a test holds the table to be valid
	}
	return p
})
