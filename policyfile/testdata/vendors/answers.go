package main

import (
	"cmp"
	"fmt"
	"net/http"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// An answer is what a server gives to every request of a call.
type answer struct {
	name    string
	status  int // 0: the connection is closed
	header  map[string]string
	body    string
	cut     bool   // the body ends before its time
	library string // what the catalog makes of it
	found   string // the body of an answer to a GET: an SDK may look after a POST
}

// Retry-After says so in each answer that has it, whatever it is in the sample: long enough to be told from the waits of
// SDKs, and short enough to wait for.
const retryAfter = "3"

// Those of a gateway before any API.
var gateways = []answer{
	{name: "500, a gateway's JSON", status: 500, body: `{"message":"Internal Server Error"}`, library: "retryable, unknown"},
	{name: "503, a gateway's page", status: 503, body: "<html><body>Service Unavailable</body></html>", library: "retryable, unknown"},
	{name: "closed without an answer", library: "retryable, unknown"},
	{name: "200, cut short", status: 200, body: `{"id":"1"`, cut: true, library: "retryable, unknown"},
}

// readAnswers returns the samples of a catalog, each status and code once, but for those of successes; one for 429 with
// Retry-After; and those of gateways.
func readAnswers(root, catalog string) ([]answer, error) {
	file, err := os.ReadFile(root + "/policyfile/testdata/samples/" + catalog + ".yaml")
	if err != nil {
		return nil, err
	}
	var samples []struct {
		Kind, Body, Code, Class, Effect string
		Status                          int
		Header                          map[string]string
	}
	if err := yaml.Unmarshal(file, &samples); err != nil {
		return nil, err
	}
	var all []answer
	var limit *answer
	found := "{}"
	seen := map[string]bool{}
	for _, s := range samples {
		a := answer{
			name: strings.TrimSpace(fmt.Sprintf("%d %s", s.Status, s.Code)), status: s.Status, header: map[string]string{}, body: s.Body,
			library: s.Class + ", " + s.Effect,
		}
		for k, v := range s.Header {
			a.header[http.CanonicalHeaderKey(k)] = v
		}
		if a.header["Retry-After"] != "" {
			a.name += ", Retry-After"
			a.header["Retry-After"] = retryAfter
		}
		if s.Kind == "success" {
			found = s.Body
			continue
		}
		if seen[a.name] {
			continue
		}
		seen[a.name] = true
		all = append(all, a)
		if s.Status == http.StatusTooManyRequests && s.Class == "retryable" && (limit == nil || a.header["Retry-After"] != "") {
			limit = &a
		}
	}
	if limit = cmp.Or(limit, &answer{name: "429", status: 429, body: "", library: "retryable, unknown"}); limit.header["Retry-After"] == "" {
		a := *limit
		a.name, a.header = a.name+", Retry-After", map[string]string{"Retry-After": retryAfter}
		all = append(all, a)
	}
	all = append(all, gateways...)
	for i := range all {
		all[i].found = found
	}
	return all, nil
}
