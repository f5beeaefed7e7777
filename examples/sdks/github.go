package sdks

import (
	"time"

	"github.com/google/go-github/v93/github"

	"github.com/nexpay-go/resilience/classify"
)

var githubHeader = shaped("GitHub", classify.Shape{
	TraceID:    []string{"header:X-Github-Request-Id"},
	RetryAfter: []string{"X-RateLimit-Reset"},
})

// GitHub reads the errors of github.com/google/go-github/v93: answers, and the two rate
// limits, which have no code.
//
// The SDK sends once. While a limit lasts it answers further calls itself, with the
// same errors, a status 403 that no server sent and no trace id; what is left of the
// wait is in them all the same. To have every call sent:
//
//	github.WithDisableRateLimitCheck()
//
// Contexts with github.SleepUntilPrimaryRateLimitResetWhenRateLimited have it wait and
// send again: leave those out.
var GitHub = []classify.Adapter{
	classify.Adapt(func(e *github.ErrorResponse) classify.Error {
		answer := heading(githubHeader, e.Response)
		for _, one := range e.Errors {
			answer.Details = append(answer.Details, classify.Detail{Code: classify.Code(one.Code), Message: one.Message, Data: one.Field})
		}
		if len(answer.Details) == 0 {
			answer.Details = []classify.Detail{{}}
		}
		if answer.Details[0].Message == "" {
			answer.Details[0].Message = e.Message
		}
		return answer
	}),
	classify.Adapt(func(e *github.RateLimitError) classify.Error {
		answer := heading(githubHeader, e.Response)
		answer.Details = []classify.Detail{{Message: e.Message}}
		answer.RetryAfter = max(answer.RetryAfter, time.Until(e.Rate.Reset.Time))
		return answer
	}),
	classify.Adapt(func(e *github.AbuseRateLimitError) classify.Error {
		answer := heading(githubHeader, e.Response)
		answer.Details = []classify.Detail{{Message: e.Message}}
		answer.RetryAfter = max(answer.RetryAfter, e.GetRetryAfter())
		return answer
	}),
}
