package policyfile_test

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policyfile"
)

// A sample is an answer of the shape that a vendor documents, with made-up content, and what the vendor's table says of it.
type sample struct {
	Kind       string // what the vendor's table is held to know: see everyVendorHas
	Status     int
	Header     map[string]string
	Body       string
	Code       classify.Code
	Class      string
	Effect     string
	Trace      string
	RetryAfter time.Duration `yaml:"retry-after"`
	Lockout    bool
}

var everyVendorHas = []string{"refusal", "rate-limit", "outage", "auth"}

// Those that are no vendor's, or are held to a table of the program.
var notVendors = map[string]bool{"grpc": true, "http": true, "jsonrpc": true, "nexpay": true, "sqlstate": true}

func vendors() (names []string) {
	for _, name := range policyfile.Builtins() {
		if !notVendors[name] {
			names = append(names, name)
		}
	}
	return names
}

func samples(t *testing.T, name string) (all []sample) {
	f, err := os.Open("testdata/samples/" + name + ".yaml")
	require.NoError(t, err, "a table of a vendor needs samples")
	defer f.Close()
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	require.NoError(t, d.Decode(&all))
	return all
}

func builtin(t *testing.T, name string) *policyfile.File {
	data, ok := policyfile.Builtin(name)
	require.True(t, ok)
	f, err := policyfile.Parse(name, data)
	require.NoError(t, err)
	require.Empty(t, f.Notes)
	return f
}

// Answers as the vendors document them mean what their tables say.
func TestSamples(t *testing.T) {
	for _, name := range vendors() {
		catalog := builtin(t, name).Policies.Catalog()
		seen := map[string]bool{}
		for i, s := range samples(t, name) {
			seen[s.Kind] = true
			what := fmt.Sprintf("%s, sample %d: %d %s", name, i+1, s.Status, s.Body)
			var v any
			err := catalog.ReadJSON(s.response(), &v)
			if s.Kind == "success" {
				require.NoError(t, err, what)
				continue
			}
			e, ok := err.(*classify.Error)
			require.True(t, ok, "%s: %v", what, err)
			verdict := catalog.Classify(e)
			require.Equal(t, s, sample{
				s.Kind, s.Status, s.Header, s.Body, firstCode(s.Code, e, verdict), verdict.Class.String(), verdict.Effect.String(), e.TraceID, e.RetryAfter, verdict.Lockout,
			}, what)
		}
		for _, kind := range everyVendorHas {
			require.True(t, seen[kind], "%s has no sample of kind %s", name, kind)
		}
	}
}

// firstCode is the code that decided, or, where a status did, that which was read.
func firstCode(want classify.Code, e *classify.Error, v classify.Verdict) classify.Code {
	if v.Code == "" && len(e.Details) > 0 && want != "" {
		return e.Details[0].Code
	}
	return v.Code
}

func (s *sample) response() *http.Response {
	h := http.Header{}
	for k, v := range s.Header {
		h.Set(k, v)
	}
	return &http.Response{
		StatusCode: s.Status, Header: h, ProtoMajor: 1, ProtoMinor: 1,
		ContentLength: int64(len(s.Body)), Body: io.NopCloser(strings.NewReader(s.Body)),
	}
}

var (
	address = regexp.MustCompile(`https://[^ ]+\.[^ ]+`)
	read    = regexp.MustCompile(`, read 20[0-9]{2}-[0-9]{2}-[0-9]{2}$`)
)

// Every rule of a vendor's table tells where it is from and when that was read; a claim that nothing was applied is never one of
// a status of the server.
func TestVendorsTablesHaveSources(t *testing.T) {
	for _, name := range vendors() {
		f := builtin(t, name)
		c := f.Policies.Catalog()
		require.NotEmpty(t, c.Rules(), name)
		for _, r := range c.Rules() {
			require.Regexp(t, address, r.Source, "%s %s", name, r.Codes)
			require.Regexp(t, read, r.Source, "%s %s", name, r.Codes)
			require.NotEmpty(t, r.Fix, "%s %s", name, r.Codes)
		}
		s := c.Shape()
		require.NotEmpty(t, s.Code, name)
		require.Equal(t, len(s.IdempotencyKeys) > 0, s.IdempotentFor > 0, name)
	}
}

// What the documentation says of the tables is there for each of them.
func TestVendorsTablesAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../docs/catalogs.md")
	require.NoError(t, err)
	for _, name := range vendors() {
		require.Contains(t, string(page), "\n## "+name+"\n")
		require.Contains(t, string(page), "../policyfile/catalogs/"+name+".yaml")
	}
}

// What an object of an API may be called, be in and say is no error of a success.
func TestVendorsTablesTakeNoSuccessForAnError(t *testing.T) {
	for _, name := range vendors() {
		s := sample{Status: 200, Body: `{"id":"1","name":"n","status":"failed","type":"error","message":"m","description":"d","reason":"r","error":null,"errors":[]}`}
		var v any
		require.NoError(t, builtin(t, name).Policies.Catalog().ReadJSON(s.response(), &v), name)
	}
}
