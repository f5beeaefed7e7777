package sdks

import (
	"google.golang.org/api/googleapi"

	"github.com/nexpay-go/resilience/classify"
)

var googleAnswers = shaped("Google", classify.Shape{
	Code:    []string{"$.error.status", "$[0].error.status", "$.error.errors[*].reason"},
	Message: []string{"$.error.message", "$[0].error.message"},
	TraceID: []string{"header:X-Guploader-Uploadid"}, // of Cloud Storage
})

// Google reads the errors of google.golang.org/api, the clients that are generated for
// Google's APIs over HTTP. The code is the name of a google.rpc.Code where the answer
// has one ("RESOURCE_EXHAUSTED"), else the reason ("rateLimitExceeded").
//
// The generated calls send once. Two things send again, on 408, 429 and 5xx: uploads in
// chunks, for 32 s per chunk, and calls of Cloud Storage with WithRetry. To have an
// upload sent in one piece, and once:
//
//	call.Media(r, googleapi.ChunkSize(0))
//
// Error.Code of an answer in JSON is the code that its body names, and the HTTP status
// only where it names none.
var Google = classify.Adapt(func(e *googleapi.Error) classify.Error {
	return *googleAnswers.Decode(e.Code, e.Header, []byte(e.Body))
})
