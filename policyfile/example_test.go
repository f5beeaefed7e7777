package policyfile_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policyfile"
	"github.com/nexpay-go/resilience/retry"
)

// A coded is an error of a client that tells its code, which is all that it takes.
type coded int

func (c coded) Error() string  { return fmt.Sprintf("code %d", int(c)) }
func (c coded) ErrorCode() int { return int(c) }

func ExampleLoad() {
	f, err := policyfile.Load("testdata/acme.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: f.Policies})
	if err != nil {
		fmt.Println(err)
		return
	}
	sends := 0
	err = retry.Do(context.Background(), r, func(context.Context) error {
		if sends++; sends < 3 {
			return coded(2001)
		}
		return nil
	})
	fmt.Println(sends, "sends:", err)
	fmt.Print(f.Policies.Explain("1007"))
	// Output:
	// 3 sends: <nil>
	// 1007 Account closed
	//   class         fatal; effect not applied (unknown under 408, 425, 429 or anything but a 4xx; for a payment or a POST, also under 409)
	//   what to do    Ask Acme why, and stop paying until then.
	//   what happens  the call ends, and every further call with this key fails at once until a person unlocks it
	//   breaker       counts as a success
	//   worst case    1 send, 8s
}

// Everything that is wrong, at once.
func ExampleParse() {
	_, err := policyfile.Parse("acme.yaml", []byte("extends: http\ncodes:\n  404: {attempts: 3}\n  429: {elapsd: 5m}\n"))
	fmt.Println(err)
	var wrong *policyfile.Error
	fmt.Println(errors.As(err, &wrong), len(wrong.Problems))
	// Output:
	// acme.yaml:3:3: codes[404] (client error): attempts 3: a fatal error is not retryable
	// acme.yaml:4:9: unknown field "elapsd"; did you mean elapsed?
	// true 2
}

// Breaker and budget are in the file as well.
func ExampleFile() {
	f, err := policyfile.Parse("policies.yaml", []byte(`
extends: grpc
breaker: {consecutive-failures: 5, open-for: 5s}
budget: {capacity: 200, refund: price}
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	b, err := breaker.New(f.Breaker)
	if err != nil {
		fmt.Println(err)
		return
	}
	budget, err := retry.NewBudget(f.Budget)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: f.Policies, Breaker: b, Budget: budget})
	if err != nil {
		fmt.Println(err)
		return
	}
	err = retry.Do(context.Background(), r, func(context.Context) error { return coded(16) })
	fmt.Println(errors.Is(err, retry.ErrFatal), b.State())
	// Output: true closed
}

// A classifier over the catalog says what a status means that no file can say. Answers
// are read as the file has it.
func ExampleFile_classifier() {
	f, err := policyfile.Load("testdata/acme.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	var r *retry.Retrier
	r, err = retry.New(retry.Config{Policies: f.Policies, Classifier: classify.Func(func(err error) classify.Verdict {
		v := r.Catalog().Classify(err) // of the file, also after Reload
		if v.Status == http.StatusNotFound && v.Code == "" {
			v.Class = classify.Retryable
		}
		return v
	})})
	if err != nil {
		fmt.Println(err)
		return
	}
	sends := 0
	err = retry.Do(context.Background(), r, func(context.Context) error {
		if sends++; sends == 1 {
			return &classify.Error{Status: http.StatusNotFound} // it is there in a moment
		}
		return nil
	})
	fmt.Printf("%d sends: %v\n", sends, err)
	// Output: 2 sends: <nil>
}

func ExampleWatch() {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("acme-%d.yaml", os.Getpid()))
	defer os.Remove(path)
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			fmt.Println(err)
		}
	}
	write("extends: http\n")
	warned := make(chan bool)
	f, err := policyfile.Load(path)
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: f.Policies, OnEvent: func(_ context.Context, e retry.Event) {
		fmt.Println(e.Kind, e.Name)
		close(warned)
	}})
	if err != nil {
		fmt.Println(err)
		return
	}
	w, err := policyfile.Watch(f, policyfile.WatchConfig{
		Interval: 10 * time.Millisecond,
		OnChange: func(f *policyfile.File) error { return r.Reload(f.Policies) },
		OnError:  func(err error) { r.Warn(context.Background(), "acme.yaml", err.Error()) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer w.Close()
	write("extends: http\ncodes: {429: {attempts: many}}\n") // the old one stays in force
	<-warned
	// Output: warning acme.yaml
}

// What no rule knew, as rules to be completed.
func ExampleFile_unknownCodes() {
	f, err := policyfile.Load("testdata/acme.yaml")
	if err != nil {
		fmt.Println(err)
		return
	}
	r, err := retry.New(retry.Config{Policies: f.Policies})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 3 {
		_ = retry.Do(context.Background(), r, func(context.Context) error { return coded(2003) })
	}
	for _, u := range r.Stats().Unknown {
		fmt.Printf("  - {code: %q, name: , class: } # %d times, HTTP %d, trace %q\n", u.Code, u.Count, u.Status, u.TraceID)
	}
	// Output:
	//   - {code: "2003", name: , class: } # 3 times, HTTP 0, trace ""
}

// Other APIs are other tables: these come with the library.
func ExampleBuiltin() {
	fmt.Println(len(policyfile.Builtins()) > 20)
	data, _ := policyfile.Builtin("kraken")
	f, err := policyfile.Parse("kraken", data)
	if err != nil {
		fmt.Println(err)
		return
	}
	catalog := f.Policies.Catalog()
	answer := catalog.Decode(200, nil, []byte(`{"error":["EAPI:Invalid nonce"]}`))
	fmt.Println(catalog.Name(), "-", catalog.Classify(answer).Class)
	// Output:
	// true
	// Kraken - resync
}

// Errors that tell no more than a code are judged by the table of their API: a status of
// gRPC, of HTTP, or a code of JSON-RPC, as errors of go-ethereum have it. With
// google.golang.org/grpc the method is
// func (e statusError) ErrorCode() int { return int(status.Code(e.error)) }.
func ExampleParse_extends() {
	for _, of := range []struct {
		table string
		err   coded
	}{{"grpc", 14}, {"http", 503}, {"jsonrpc", -32603}} {
		f, err := policyfile.Parse("policies.yaml", []byte("extends: "+of.table+"\ndefault: {backoff: {initial: 1ms}}\n"))
		if err != nil {
			fmt.Println(err)
			return
		}
		r, err := retry.New(retry.Config{Policies: f.Policies})
		if err != nil {
			fmt.Println(err)
			return
		}
		sends := 0
		err = retry.Do(context.Background(), r, func(context.Context) error {
			if sends++; sends < 3 {
				return of.err // unavailable
			}
			return nil
		})
		fmt.Println(of.table, sends, "sends:", err)
	}
	// Output:
	// grpc 3 sends: <nil>
	// http 3 sends: <nil>
	// jsonrpc 3 sends: <nil>
}
