package policyfile_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policyfile"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

// The lines that the debug page has for unknown codes can be pasted: each code that a
// file can name gets a rule of its own, which does what was done without it.
func TestLinesOfTheDebugPage(t *testing.T) {
	r, err := retry.New(retry.Config{})
	require.NoError(t, err)
	page, err := resiliencedebug.New(resiliencedebug.Config{Retriers: map[string]*retry.Retrier{"nexpay": r}})
	require.NoError(t, err)
	statuses := []int{0, 200, 400, 403, 404, 429, 500, 503}
	codes := []classify.Code{"E*", "20..30", "..", "a..b", "*", "**", "plain", `quo"te: #`, "'", "050", "5e1", "on", "~", "null", "0x1f", "1_000",
		"- x", "{a: b}", "&a", "!!int 5", "# x", "a: b", "%", "@", "`", `\`, "€", "two words", "777", "-1", "12345678901234567890123", classify.Code(strings.Repeat("x", 128))}
	for i, code := range codes {
		err := &classify.Error{Status: statuses[i%len(statuses)], Details: []classify.Detail{{Code: code}}, TraceID: "t: # \"1\""}
		require.Error(t, retry.Do(t.Context(), r, func(context.Context) error { return err }))
	}
	rec := httptest.NewRecorder()
	page.ServeHTTP(rec, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/?format=json", nil))
	var seen struct {
		Unknown []struct{ YAML []string } `json:"unknown_codes"`
	}
	require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &seen))
	lines := strings.Join(seen.Unknown[0].YAML, "\n")
	f, err := policyfile.Parse("pasted.yaml", []byte("name: pasted\n"+lines+"\n"))
	require.NoError(t, err, "%s", lines)
	for i, code := range codes {
		_, known := f.Policies.Catalog().Lookup(code)
		if strings.HasSuffix(string(code), "*") || strings.Contains(string(code), "..") {
			require.False(t, known, "%s", code)
			continue
		}
		require.True(t, known, "%s", code)
		answer := &classify.Error{Status: statuses[i%len(statuses)], Details: []classify.Detail{{Code: code}}}
		before, after := r.Catalog().Classify(answer), f.Policies.Catalog().Classify(answer)
		if before.Class == classify.Unclassified {
			before.Class = classify.Fatal // sent once, too
		}
		require.Equal(t, before.Class, after.Class, "%s", code)
	}
}
