package resiliencedebug

import (
	"net/url"
	"strconv"
	"strings"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// A policiesPart has the policies in force, and the explanation that was requested.
type policiesPart struct {
	APIs      []policiesRow `json:"apis"`
	Explained *explained    `json:"explained,omitempty"` // ?api=…&code=…&status=…
}

type policiesRow struct {
	API            string      `json:"api"`
	Catalog        string      `json:"catalog,omitempty"`
	AttemptTimeout string      `json:"attempt_timeout,omitempty"` // empty: none
	Rows           []policyRow `json:"policies"`
	More           int         `json:"more"` // codes with policies of their own that are not among them
}

// A policyRow summarizes a policy.
type policyRow struct {
	Code     string `json:"code,omitempty"` // empty: a retryable error without a policy of its own
	Name     string `json:"name,omitempty"`
	Class    string `json:"class"`
	MaxSends int    `json:"max_sends"` // -1: no limit
	MaxTime  string `json:"max_time"`  // of the waits, and of the attempts if they have a timeout; empty: no limit
	Breaker  string `json:"breaker"`
}

// An explained code.
type explained struct {
	API    string   `json:"api"`
	Code   string   `json:"code"`
	Status string   `json:"status"`
	Lines  []string `json:"lines,omitempty"`
	Fault  string   `json:"fault,omitempty"` // why there are none
}

// policiesNow is nil where there are no Retriers.
func (p *page) policiesNow(asked url.Values) *policiesPart {
	if len(p.names) == 0 {
		return nil
	}
	part := &policiesPart{}
	for _, api := range p.names {
		part.APIs = append(part.APIs, policiesOf(api, p.retriers[api]))
	}
	if asked.Has("code") || asked.Has("status") {
		part.Explained = p.explain(asked)
	}
	return part
}

// inForce returns the policies, with the Retrier's catalog if they have another one.
func inForce(r *retry.Retrier) *policy.Set {
	set, catalog := r.Policies(), r.Catalog()
	if catalog == nil || catalog == set.Catalog() {
		return set
	}
	if with, err := set.With(policy.Table{Catalog: catalog}); err == nil {
		return with
	}
	return set
}

func policiesOf(api string, r *retry.Retrier) policiesRow {
	set := inForce(r)
	row := policiesRow{API: api}
	if c := set.Catalog(); c != nil {
		row.Catalog = c.Name()
	}
	if t := set.AttemptTimeout(); t > 0 {
		row.AttemptTimeout = t.String()
	}
	codes := set.Codes()
	row.More = max(len(codes)-mostCodes, 0)
	row.Rows = []policyRow{rowOf(set.ExplainVerdict(classify.Verdict{Class: classify.Retryable}))}
	for _, code := range codes[:len(codes)-row.More] {
		row.Rows = append(row.Rows, rowOf(set.Explain(code)))
	}
	return row
}

func rowOf(e policy.Explanation) policyRow {
	row := policyRow{Code: string(e.Code), Name: e.Rule.Name, Class: e.Rule.Class.String(), MaxSends: e.MaxSends, Breaker: e.Policy.Breaker.String()}
	if e.MaxTime != policy.None {
		row.MaxTime = e.MaxTime.String()
	}
	return row
}

// explain explains the code and status that were entered.
func (p *page) explain(asked url.Values) *explained {
	x := &explained{API: asked.Get("api"), Code: strings.TrimSpace(asked.Get("code")), Status: strings.TrimSpace(asked.Get("status"))}
	if x.API == "" {
		x.API = p.names[0]
	}
	code, status := classify.Code(x.Code), 0
	if x.Status != "" {
		status, _ = strconv.Atoi(x.Status)
	}
	r := p.retriers[x.API]
	switch {
	case r == nil:
		x.Fault = "no such API"
	case x.Status != "" && (status < 100 || status > 599):
		x.Fault = "an HTTP status is a number from 100 to 599"
	case code == "" && status == 0:
		x.Fault = "enter a code, an HTTP status, or both"
	case code != "" && !code.Valid():
		x.Fault = "invalid code: a code has at most 128 bytes, all printable"
	default:
		x.Lines = strings.Split(strings.TrimRight(explainIn(inForce(r), code, status).String(), "\n"), "\n")
	}
	return x
}

func explainIn(set *policy.Set, code classify.Code, status int) policy.Explanation {
	catalog := set.Catalog()
	if status == 0 || catalog == nil {
		return set.Explain(code)
	}
	answer := &classify.Error{Status: status}
	if code != "" {
		answer.Details = []classify.Detail{{Code: code}}
	}
	return set.ExplainVerdict(catalog.Classify(answer))
}
