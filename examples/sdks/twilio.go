package sdks

import (
	"strconv"

	"github.com/twilio/twilio-go/client"

	"github.com/nexpay-go/resilience/classify"
)

// Twilio reads the errors of github.com/twilio/twilio-go: those of the APIs that there
// have always been, and those of version 1.0 of its standards.
//
// The SDK sends once, but for requests of version 1.0: those it sends a second time,
// a POST's body too if the connection was used before, where an answer with an error
// cannot be read, and no option prevents it: such a call may happen twice.
//
// It drops the header of an answer, and so Retry-After and the trace id; of an answer
// that is no JSON it keeps the status in a text only, so that it is Unclassified. And
// it takes no context: bound an attempt by Client.SetTimeout. What is lost is there
// below it still:
//
//	&client.Client{HTTPClient: &http.Client{Transport: &retryhttp.Transport{Retrier: r}}}
var Twilio = []classify.Adapter{
	classify.Adapt(func(e *client.TwilioRestError) classify.Error {
		return twilioAnswer(e.Status, e.Code, e.Message)
	}),
	classify.Adapt(func(e *client.RestErrorV1) classify.Error {
		return twilioAnswer(e.HttpStatusCode, e.Code, e.Message)
	}),
}

func twilioAnswer(status, code int, message string) classify.Error {
	detail := classify.Detail{Message: message}
	if code != 0 {
		detail.Code = classify.Code(strconv.Itoa(code))
	}
	return classify.Error{Status: status, Details: []classify.Detail{detail}}
}
