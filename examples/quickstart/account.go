package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"

	"github.com/nexpay-go/resilience/nexpay"
	"github.com/nexpay-go/resilience/nonce"
	"github.com/nexpay-go/resilience/retry"
)

// An account is what a real call needs.
type account struct {
	url         string
	credentials nexpay.Credentials
}

// accountFrom reads the account from the environment. It returns nil if nothing is set,
// and an error if only a part is.
func accountFrom(getenv func(string) string) (*account, error) {
	names := []string{"NEXPAY_URL", "NEXPAY_API_KEY", "NEXPAY_SECRET"}
	var missing []error
	for _, name := range names {
		if getenv(name) == "" {
			missing = append(missing, fmt.Errorf("%s is not set; a real call needs all of %v, the story none", name, names))
		}
	}
	if len(missing) == len(names) {
		return nil, nil
	}
	return &account{
		url:         getenv("NEXPAY_URL"),
		credentials: nexpay.Credentials{Key: getenv("NEXPAY_API_KEY"), Secret: getenv("NEXPAY_SECRET")},
	}, errors.Join(missing...)
}

// callAccount requests the status of the account. It shows all that is needed to use the
// library with its defaults.
func callAccount(ctx context.Context, out io.Writer, a account) error {
	signer, err := nexpay.NewSigner(a.credentials)
	if err != nil {
		return err
	}
	lane, err := nonce.NewLane(nonce.LaneConfig{Key: "main"})
	if err != nil {
		return err
	}
	r, err := retry.New(retry.Config{
		Nonces:  lane,
		OnEvent: retry.LogEvents(slog.New(slog.NewTextHandler(out, nil))),
	})
	if err != nil {
		return err
	}
	client := &nexpay.Client{BaseURL: a.url, Signer: signer}
	status, err := retry.DoValue(ctx, r, client.AccountStatus, retry.Named("account status"))
	if err != nil {
		return err
	}
	var pretty bytes.Buffer
	if err := json.Indent(&pretty, status, "", "  "); err != nil {
		return err
	}
	fmt.Fprintf(out, "account status: %s\n", printable(pretty.String()))
	return nil
}

// printable removes control characters, with which a server could control the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || unicode.IsPrint(r) {
			return r
		}
		return -1
	}, s)
}
