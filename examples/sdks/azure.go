package sdks

import (
	"sync"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"

	"github.com/nexpay-go/resilience/classify"
)

var azureAnswers = shaped("Azure", classify.Shape{
	Code:       []string{"$.error.code", "$['odata.error'].code", "$.code"},
	Message:    []string{"$.error.message", "$['odata.error'].message.value", "$.message"},
	TraceID:    []string{"header:x-ms-request-id", "header:x-ms-correlation-request-id"},
	RetryAfter: []string{"retry-after-ms", "x-ms-retry-after-ms"},
})

// Azure reads the errors of every client that is made with
// github.com/Azure/azure-sdk-for-go/sdk/azcore. The code is ErrorCode, which may have
// come in a header or in XML.
//
// The SDK sends four times by default on 408, 429, 500, 502, 503, 504 and errors of
// the connection, whatever the method. To have it send once (0 is the default):
//
//	policy.ClientOptions{Retry: policy.RetryOptions{MaxRetries: -1}}
var Azure = classify.Adapt(func(e *azcore.ResponseError) classify.Error {
	if e.RawResponse == nil {
		return classify.Error{Status: e.StatusCode, Details: []classify.Detail{{Code: classify.Code(e.ErrorCode)}}}
	}
	answer := *azureAnswers.Decode(e.StatusCode, e.RawResponse.Header, azureBody(e))
	if len(answer.Details) == 0 {
		answer.Details = []classify.Detail{{}}
	}
	answer.Details[0].Code = classify.Code(e.ErrorCode)
	return answer
})

var azureReading sync.Mutex

// azureBody is the body, which the SDK has read when it made the error, and keeps.
// Payload writes a little where it reads, so one at a time.
func azureBody(e *azcore.ResponseError) []byte {
	azureReading.Lock()
	defer azureReading.Unlock()
	body, err := runtime.Payload(e.RawResponse)
	if err != nil {
		return nil // the status is there
	}
	return body
}
