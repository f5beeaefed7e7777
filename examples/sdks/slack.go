package sdks

import (
	"net/http"

	"github.com/slack-go/slack"

	"github.com/nexpay-go/resilience/classify"
)

// Slack reads the errors of github.com/slack-go/slack. Its APIs answer 200 with a code
// where they refuse; an answer with another status has none.
//
// The SDK sends once, unless it is made with slack.OptionRetry or
// slack.OptionRetryConfig: leave those out. It drops the trace id (X-Slack-Req-Id).
var Slack = []classify.Adapter{
	classify.Adapt(func(e slack.SlackErrorResponse) classify.Error {
		detail := classify.Detail{Code: classify.Code(e.Err)}
		if len(e.ResponseMetadata.Messages) > 0 {
			detail.Message = e.ResponseMetadata.Messages[0]
		}
		return classify.Error{Details: []classify.Detail{detail}}
	}),
	classify.Adapt(func(e *slack.RateLimitedError) classify.Error {
		return classify.Error{Status: http.StatusTooManyRequests, RetryAfter: e.RetryAfter}
	}),
	classify.Adapt(func(e slack.StatusCodeError) classify.Error {
		return classify.Error{Status: e.Code}
	}),
}
