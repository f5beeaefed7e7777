package sdks

import (
	"errors"

	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/smithy-go"

	"github.com/nexpay-go/resilience/classify"
)

var awsHeader = shaped("AWS", classify.Shape{})

// AWS reads the errors of github.com/aws/aws-sdk-go-v2. They tell code, status and
// the id of the request by methods, ErrorCode, HTTPStatusCode and ServiceRequestID, which
// every catalog reads without this; it adds the message and Retry-After.
//
// The SDK sends three times by default. To have it send once:
//
//	aws.Config{Retryer: func() aws.Retryer { return aws.NopRetryer{} }}
var AWS = classify.Adapt(func(e *awshttp.ResponseError) classify.Error {
	var answer classify.Error
	if e.Response != nil {
		answer = heading(awsHeader, e.Response.Response)
	}
	answer.TraceID = e.ServiceRequestID()
	if api, ok := errors.AsType[smithy.APIError](e.Err); ok {
		answer.Details = []classify.Detail{{Code: classify.Code(api.ErrorCode()), Message: api.ErrorMessage()}}
	}
	return answer
})
