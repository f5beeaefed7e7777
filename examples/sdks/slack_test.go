package sdks

import (
	"context"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

func TestSlack(t *testing.T) {
	t.Parallel()
	catalog := catalogOf(t, Slack,
		classify.Rule{Codes: "channel_not_found", Name: "no such channel", Class: classify.Fatal, Effect: classify.NotApplied})
	call := func(url string) func(context.Context) error {
		client := slack.New("xoxb-x", slack.OptionAPIURL(url+"/"))
		return func(ctx context.Context) error {
			_, _, err := client.PostMessageContext(ctx, "C1", slack.MsgOptionText("hello", false))
			return err
		}
	}
	play(t, catalog, call, map[string]scene{
		"decline": {
			status: 200, header: map[string]string{"X-Slack-Req-Id": "lost"},
			body:   `{"ok":false,"error":"channel_not_found","response_metadata":{"messages":["[ERROR] no such channel"]}}`,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "channel_not_found"},
			message: "[ERROR] no such channel", requests: 1,
		},
		"rate limit": {
			status: 429, header: map[string]string{"Retry-After": "7"}, body: `{"ok":false,"error":"ratelimited"}`,
			reason: retry.ErrRetryAfter, verdict: classify.Verdict{Class: classify.Retryable, Status: 429, RetryAfter: 7 * time.Second}, requests: 1,
		},
		"unavailable": {
			status: 503, body: page,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Status: 503}, requests: 2,
		},
	})
}
