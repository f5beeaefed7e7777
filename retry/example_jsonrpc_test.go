package retry_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"strconv"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// Ledger is a service over net/rpc, whose errors are texts: this one puts its codes in front of them.
type Ledger struct{ calls int }

func (l *Ledger) Balance(account string, balance *string) error {
	if l.calls++; l.calls < 3 {
		return errors.New("-32603: internal error")
	}
	*balance = "17.00 EUR"
	return nil
}

// An rpcError is an error of that service with its code in a method, which is all that package classify asks for. A client that
// has one already, as go-ethereum's has, needs nothing of the kind.
type rpcError struct {
	rpc.ServerError
	code int
}

func (c rpcError) ErrorCode() int { return c.code }

func withCode(err error) error {
	if server, ok := errors.AsType[rpc.ServerError](err); ok {
		if code, _, found := strings.Cut(string(server), ":"); found {
			if n, err := strconv.Atoi(code); err == nil {
				return rpcError{server, n}
			}
		}
	}
	return err
}

// Any client will do whose errors tell their code: here one of JSON-RPC over a connection on loopback.
func ExampleDoValue_jsonRPC() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer listener.Close()
	server := rpc.NewServer()
	if err := server.Register(&Ledger{}); err != nil {
		fmt.Println(err)
		return
	}
	go func() {
		if conn, err := listener.Accept(); err == nil {
			server.ServeCodec(jsonrpc.NewServerCodec(conn))
		}
	}()
	client, err := jsonrpc.Dial("tcp", listener.Addr().String())
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	policies, err := policy.New(policy.Table{
		Catalog: classify.JSONRPC(),
		Default: policy.Policy{Backoff: policy.Backoff{Initial: time.Millisecond}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: policies})
	if err != nil {
		fmt.Println(err)
		return
	}
	balance, err := retry.DoValue(context.Background(), r, func(ctx context.Context) (balance string, err error) {
		call := client.Go("Ledger.Balance", "main", &balance, make(chan *rpc.Call, 1))
		select {
		case <-call.Done:
			return balance, withCode(call.Error)
		case <-ctx.Done():
			return "", ctx.Err()
		}
	})
	fmt.Println(balance, err)
	// Output: 17.00 EUR <nil>
}
