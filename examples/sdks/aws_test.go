package sdks

import (
	"context"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsretry "github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

var awsCredentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
	return aws.Credentials{AccessKeyID: "id", SecretAccessKey: "secret"}, nil
})

func awsCall(url string) func(context.Context) error {
	client := sts.NewFromConfig(aws.Config{
		Region:       "eu-central-1",
		BaseEndpoint: aws.String(url),
		Credentials:  awsCredentials,
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	})
	return func(ctx context.Context) error {
		_, err := client.GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
		return err
	}
}

var awsRules = []classify.Rule{
	{Codes: "AccessDenied", Name: "access denied", Class: classify.Fatal, Effect: classify.NotApplied},
	{Codes: "Throttling", Name: "throttled", Class: classify.Retryable},
}

const awsDecline = `<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>No access</Message></Error><RequestId>a-1</RequestId></ErrorResponse>`

func TestAWS(t *testing.T) {
	t.Parallel()
	play(t, catalogOf(t, []classify.Adapter{AWS}, awsRules...), awsCall, map[string]scene{
		"decline": {
			status: 403, header: map[string]string{"X-Amzn-Requestid": "a-1"}, body: awsDecline,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "AccessDenied", Status: 403},
			message: "No access", traceID: "a-1", requests: 1,
		},
		"rate limit": {
			status: 429, header: map[string]string{"X-Amzn-Requestid": "a-2", "Retry-After": "7"},
			body:   `<ErrorResponse><Error><Code>Throttling</Code><Message>Rate exceeded</Message></Error></ErrorResponse>`,
			reason: retry.ErrRetryAfter, verdict: classify.Verdict{Class: classify.Retryable, Code: "Throttling", Status: 429, RetryAfter: 7 * time.Second},
			message: "Rate exceeded", traceID: "a-2", requests: 1,
		},
		"unavailable": {
			status: 503, header: map[string]string{"X-Amzn-Requestid": "a-3"}, body: page,
			reason: retry.ErrAttempts, verdict: classify.Verdict{Class: classify.Retryable, Status: 503}, traceID: "a-3", requests: 2,
		},
	})
}

// Code and status are methods of the SDK's errors: they are read without an adapter.
func TestAWSWithoutAdapter(t *testing.T) {
	t.Parallel()
	play(t, catalogOf(t, nil, awsRules...), awsCall, map[string]scene{
		"decline": {
			status: 403, header: map[string]string{"X-Amzn-Requestid": "a-1"}, body: awsDecline,
			reason: retry.ErrFatal, verdict: classify.Verdict{Class: classify.Fatal, Effect: classify.NotApplied, Code: "AccessDenied", Status: 403},
			requests: 1, traceID: "a-1",
		},
	})
}

// What the SDK does when it is not told to stop, but for its waits: three requests
// for one call.
func TestAWSSendsThreeTimes(t *testing.T) {
	t.Parallel()
	server, requests := serve(t, scene{status: 503, body: page})
	client := sts.New(sts.Options{
		Region: "eu-central-1", BaseEndpoint: aws.String(server.URL), Credentials: awsCredentials,
		Retryer: awsretry.NewStandard(func(o *awsretry.StandardOptions) {
			o.Backoff = awsretry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
		}),
	})
	_, err := client.GetCallerIdentity(t.Context(), &sts.GetCallerIdentityInput{})
	require.Error(t, err)
	require.EqualValues(t, 3, requests.Load())
}
