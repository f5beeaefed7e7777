package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/runtime"
	"github.com/anthropics/anthropic-sdk-go"
	anthropicoption "github.com/anthropics/anthropic-sdk-go/option"
	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/service/kms"
	"github.com/google/go-github/v93/github"
	"github.com/openai/openai-go/v3"
	openaioption "github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"
	"github.com/slack-go/slack"
	"github.com/stripe/stripe-go/v85"
	"github.com/twilio/twilio-go"
	twilioclient "github.com/twilio/twilio-go/client"
	twilioapi "github.com/twilio/twilio-go/rest/api/v2010"
	"google.golang.org/api/option"
	"google.golang.org/api/storage/v1"
)

// A call is one of an SDK, a POST, without any of its settings that have to do with retries or idempotency.
type call func(ctx context.Context, url string) error

// inGo makes the call once per answer, all at the same time, and returns what each ended with. Not all SDKs take a context:
// those that go on are left behind.
func inGo(c call) runner {
	return func(ctx context.Context, _ string, urls map[string]string) (map[string]string, error) {
		type end struct{ name, told string }
		all := make(chan end, len(urls))
		for name, url := range urls {
			go func() { all <- end{name, told(c(ctx, url))} }()
		}
		ends := map[string]string{}
		for range urls {
			select {
			case e := <-all:
				ends[e.name] = e.told
			case <-ctx.Done():
				return ends, nil
			}
		}
		return ends, nil
	}
}

// told is the type of an error, and the HTTP status that it has in a field of its own.
func told(err error) string {
	if err == nil {
		return "no error"
	}
	if api, ok := errors.AsType[*awshttp.ResponseError](err); ok { // two types deep
		return fmt.Sprintf("%T %d", api, api.HTTPStatusCode())
	}
	name := reflect.TypeOf(err).String()
	v := reflect.Indirect(reflect.ValueOf(err))
	if answer, ok := errors.AsType[*github.ErrorResponse](err); ok {
		return fmt.Sprintf("%s %d", name, answer.Response.StatusCode)
	}
	for _, field := range []string{"HTTPStatusCode", "StatusCode", "Status", "Code"} {
		if v.Kind() != reflect.Struct {
			break
		}
		if f := v.FieldByName(field); f.IsValid() && f.CanInt() {
			return fmt.Sprintf("%s %d", name, f.Int())
		}
	}
	return name
}

func stripeCall(ctx context.Context, url string) error {
	config := &stripe.BackendConfig{URL: &url, LeveledLogger: &stripe.LeveledLogger{Level: stripe.LevelNull}}
	client := stripe.NewClient("sk_test_x", stripe.WithBackends(stripe.NewBackendsWithConfig(config)))
	_, err := client.V1PaymentIntents.Create(ctx, &stripe.PaymentIntentCreateParams{Amount: stripe.Int64(100), Currency: stripe.String("eur")})
	return err
}

func githubCall(ctx context.Context, url string) error {
	client, err := github.NewClient(github.WithURLs(new(url+"/"), nil))
	if err != nil {
		return err
	}
	_, _, err = client.Issues.Create(ctx, "x", "x", github.CreateIssueRequest{Title: "x"})
	return err
}

func slackCall(ctx context.Context, url string) error {
	_, _, err := slack.New("xoxb-x", slack.OptionAPIURL(url+"/")).PostMessageContext(ctx, "x", slack.MsgOptionText("x", false))
	return err
}

// elsewhere sends what goes to a fixed host to a server of this program.
type elsewhere string

func (e elsewhere) RoundTrip(r *http.Request) (*http.Response, error) {
	to, err := http.NewRequestWithContext(r.Context(), r.Method, string(e)+r.URL.RequestURI(), r.Body)
	if err != nil {
		return nil, err
	}
	to.Header, to.ContentLength, to.GetBody = r.Header, r.ContentLength, r.GetBody
	return http.DefaultTransport.RoundTrip(to)
}

func twilioCall(_ context.Context, url string) error {
	sender := &twilioclient.Client{
		Credentials: twilioclient.NewCredentials("AC1", "x"), HTTPClient: &http.Client{Transport: elsewhere(url)},
	}
	sender.SetAccountSid("AC1")
	client := twilio.NewRestClientWithParams(twilio.ClientParams{Client: sender})
	params := &twilioapi.CreateMessageParams{}
	params.SetTo("+15005550006")
	params.SetFrom("+15005550006")
	params.SetBody("x")
	_, err := client.Api.CreateMessage(params)
	return err
}

func openaiCall(ctx context.Context, url string) error {
	client := openai.NewClient(openaioption.WithAPIKey("x"), openaioption.WithBaseURL(url))
	_, err := client.Responses.New(ctx, responses.ResponseNewParams{Model: "x"})
	return err
}

func anthropicCall(ctx context.Context, url string) error {
	client := anthropic.NewClient(anthropicoption.WithAPIKey("x"), anthropicoption.WithBaseURL(url))
	_, err := client.Messages.New(ctx, anthropic.MessageNewParams{
		Model: "x", MaxTokens: 1, Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock("x"))},
	})
	return err
}

func googleCall(ctx context.Context, url string) error {
	service, err := storage.NewService(ctx, option.WithEndpoint(url), option.WithHTTPClient(&http.Client{}))
	if err != nil {
		return err
	}
	_, err = service.Buckets.Insert("x", &storage.Bucket{Name: "x"}).Context(ctx).Do()
	return err
}

func awsCall(ctx context.Context, url string) error {
	client := kms.NewFromConfig(aws.Config{
		Region: "eu-central-1", BaseEndpoint: &url,
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "x", SecretAccessKey: "x"}, nil
		}),
	})
	_, err := client.CreateKey(ctx, &kms.CreateKeyInput{})
	return err
}

// azureCall is what every client of the SDK does: a pipeline, and NewResponseError.
func azureCall(ctx context.Context, url string) error {
	req, err := runtime.NewRequest(ctx, http.MethodPost, url)
	if err != nil {
		return err
	}
	resp, err := runtime.NewPipeline("x", "v1.0.0", runtime.PipelineOptions{}, nil).Do(req)
	if err != nil {
		return err
	}
	if !runtime.HasStatusCode(resp, http.StatusOK) {
		return runtime.NewResponseError(resp)
	}
	_, err = runtime.Payload(resp)
	return err
}
