package grpcretry_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/grpcretry"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

func connect(target string, r *retry.Retrier) (*grpc.ClientConn, error) {
	opts, err := grpcretry.DialOptions(grpcretry.Config{
		Retrier: r,
		Idempotent: func(method string) bool {
			return method == "/bank.v1.Payments/Rate" || grpcretry.Declared(method)
		},
	})
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(target, append(opts, grpc.WithTransportCredentials(insecure.NewCredentials()))...)
}

func newRetrier() (*retry.Retrier, error) {
	policies, err := grpcretry.Policies().With(policy.Table{
		AttemptTimeout: 5 * time.Second, // the deadline that the server is told
		Codes:          map[classify.Code]policy.Policy{"UNAVAILABLE": {MaxAttempts: 3}},
	})
	if err != nil {
		return nil, err
	}
	return retry.New(retry.Config{Policies: policies, Breakers: new(breaker.Group)}) // a breaker for each target
}

// A bankClient is what protoc generates, more or less.
type bankClient struct{ conn *grpc.ClientConn }

func (c bankClient) call(ctx context.Context, method, in string) (string, error) {
	out := new(wrapperspb.StringValue)
	err := c.conn.Invoke(ctx, "/bank.v1.Payments/"+method, wrapperspb.String(in), out)
	return out.GetValue(), err
}

func (c bankClient) Rate(ctx context.Context, currency string) (string, error) {
	return c.call(ctx, "Rate", currency)
}

func (c bankClient) Pay(ctx context.Context, id string) (string, error) {
	return c.call(ctx, "Pay", id)
}

func (c bankClient) Find(ctx context.Context, id string) (string, error) {
	return c.call(ctx, "Find", id)
}

func payOnce(ctx context.Context, r *retry.Retrier, client bankClient, id string) (string, error) {
	return retry.DoOnce(ctx, r, retry.Operation[string]{
		ID:   id,
		Send: func(ctx context.Context) (string, error) { return client.Pay(ctx, id) },
		Verify: func(ctx context.Context) (string, retry.Outcome, error) {
			receipt, err := client.Find(ctx, id)
			switch status.Code(err) {
			case codes.OK:
				return receipt, retry.Applied, nil
			case codes.NotFound: // if the API means by that that there is no such payment
				return "", retry.Absent, nil
			}
			return "", retry.Undecided, err
		},
	})
}

func ExampleDialOptions() {
	target, stop := exampleServer()
	defer stop()
	r, err := newRetrier()
	if err != nil {
		log.Fatal(err)
	}
	conn, err := connect(target, r)
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	client := bankClient{conn}

	fmt.Println(client.Rate(context.Background(), "EUR")) // may be repeated

	_, err = client.Pay(context.Background(), "inv-7") // may not
	fmt.Println(status.Code(err), "in doubt:", errors.Is(err, retry.ErrDoubt))

	fmt.Println(payOnce(context.Background(), r, client, "inv-8"))
	// Output:
	// EUR at 1.10, asked 2 times <nil>
	// Unavailable in doubt: true
	// inv-8 was paid 1 times <nil>
}

// exampleServer is busy the first time, and loses the answers to payments.
func exampleServer() (addr string, stop func()) {
	busy, err := status.New(codes.Unavailable, "busy").WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(20 * time.Millisecond)})
	if err != nil {
		log.Fatal(err)
	}
	asked, paid := 0, map[string]int{}
	return serve(map[string]func(string) (string, error){
		"Rate": func(currency string) (string, error) {
			if asked++; asked == 1 {
				return "", busy.Err()
			}
			return fmt.Sprintf("%s at 1.10, asked %d times", currency, asked), nil
		},
		"Pay": func(id string) (string, error) {
			paid[id]++
			return "", status.Error(codes.Unavailable, "the answer is lost")
		},
		"Find": func(id string) (string, error) {
			if paid[id] == 0 {
				return "", status.Error(codes.NotFound, "no such payment")
			}
			return fmt.Sprintf("%s was paid %d times", id, paid[id]), nil
		},
	})
}
