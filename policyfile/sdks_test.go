package policyfile_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the page about the tables says that SDKs do was seen by testdata/vendors, which no test runs.
var sdkTable = regexp.MustCompile(`(?s)<!-- sdks: (\S+) -->\n(.*?)<!-- end -->`)

// sdkTables are the rows of those on the page, cell by cell, the heads first.
func sdkTables(t *testing.T) map[string][][]string {
	page, err := os.ReadFile("../docs/catalogs.md")
	require.NoError(t, err)
	tables := map[string][][]string{}
	for _, m := range sdkTable.FindAllStringSubmatch(string(page), -1) {
		for line := range strings.Lines(m[2]) {
			row := strings.Split(strings.Trim(line, "| \n"), " | ")
			tables[m[1]] = append(tables[m[1]], row)
		}
	}
	return tables
}

// said is what the last column says of each answer.
func said(rows [][]string) map[string]string {
	of := map[string]string{}
	for _, row := range rows[2:] {
		for name := range strings.SplitSeq(row[0], " · ") {
			of[strings.Trim(name, "`")] = row[len(row)-1]
		}
	}
	return of
}

// The column of the table says what the table does with each sample, and with what a gateway says.
func TestDocsTellWhatTheTablesDoBesideSDKs(t *testing.T) {
	tables := sdkTables(t)
	require.Len(t, tables, 17)
	for name, rows := range tables {
		of, catalog := said(rows), builtin(t, name).Policies.Catalog()
		seen := map[string]bool{}
		for _, s := range samples(t, name) {
			answer := strings.TrimSpace(fmt.Sprintf("%d %s", s.Status, s.Code))
			if s.Header["Retry-After"] != "" {
				answer += ", Retry-After"
			}
			if s.Kind == "success" || seen[answer] {
				continue
			}
			seen[answer] = true
			require.Equal(t, s.Class+", "+s.Effect, of[answer], "%s: %s", name, answer)
		}
		gateway := sample{Status: 500, Body: `{"message":"Internal Server Error"}`}
		page := sample{Status: 503, Body: "<html><body>Service Unavailable</body></html>"}
		cut := sample{Status: 200, Header: map[string]string{"Content-Type": "application/json"}}
		half := cut.response()
		half.ContentLength, half.Body = 100, io.NopCloser(io.MultiReader(strings.NewReader(`{"id":"1"`), broken{}))
		var v any
		for answer, err := range map[string]error{
			"500, a gateway's JSON":    catalog.ReadJSON(gateway.response(), &v),
			"503, a gateway's page":    catalog.ReadJSON(page.response(), &v),
			"closed without an answer": syscall.ECONNRESET,
			"200, cut short":           catalog.ReadJSON(half, &v),
		} {
			require.Error(t, err, "%s: %s", name, answer)
			verdict := catalog.Classify(err)
			require.Equal(t, fmt.Sprintf("%v, %v", verdict.Class, verdict.Effect), of[answer], "%s: %s", name, answer)
		}
	}
}

// broken is a connection that ends in the middle of a body.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// The versions that the page names are those that the program installs.
func TestDocsNameTheSDKsThatWereRun(t *testing.T) {
	var npm struct{ Dependencies map[string]string }
	file, err := os.ReadFile("testdata/vendors/package.json")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(file, &npm))
	mod, err := os.ReadFile("testdata/vendors/go.mod")
	require.NoError(t, err)
	heads := 0
	for _, rows := range sdkTables(t) {
		for _, head := range rows[0][1 : len(rows[0])-1] {
			name, rest, _ := strings.Cut(head, " ")
			version, _, _ := strings.Cut(rest, ",")
			inGo := regexp.MustCompile(`(?m)^\t(?:\S+/)?` + regexp.QuoteMeta(name) + `(?:/v[0-9]+)? v(\S+)$`).FindSubmatch(mod)
			if inGo == nil {
				inGo = [][]byte{nil, nil}
			}
			require.Equal(t, cmp.Or(npm.Dependencies[name], string(inGo[1])), version, head)
			heads++
		}
	}
	require.Equal(t, 26, heads)
}
