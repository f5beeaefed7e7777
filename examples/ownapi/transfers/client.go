// Package transfers makes transfers.
package transfers

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"github.com/nexpay-go/resilience/policyfile"
	"github.com/nexpay-go/resilience/retry"
	"github.com/nexpay-go/resilience/retry/retryhttp"
)

// NewHTTPClient makes the one client that all calls share.
func NewHTTPClient(policies string) (*http.Client, error) {
	f, err := policyfile.Load(policies)
	if err != nil {
		return nil, err
	}
	r, err := retry.New(retry.Config{Policies: f.Policies})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: &retryhttp.Transport{Retrier: r, AlwaysError: true, InspectJSON: true}}, nil
}

// Transfer makes one transfer. The token belongs to it, not to the try: it is stored with it before the first one.
func Transfer(ctx context.Context, c *http.Client, base, token string, transfer any) (id string, err error) {
	body, err := json.Marshal(transfer)
	if err != nil {
		return "", err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/v2/transfers", bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Idempotency-Token", token)
	resp, err := c.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	var answer struct{ Data struct{ ID string } }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		return "", err
	}
	if answer.Data.ID == "" {
		return "", errors.New("the answer has no id")
	}
	return answer.Data.ID, nil
}
