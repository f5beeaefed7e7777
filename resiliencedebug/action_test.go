package resiliencedebug_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	stdhtml "html"
)

var input = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)">`)

// form opens the page that asks whether to act, and returns it with the form in it.
func (w *world) form(t *testing.T, query string) (page string, form url.Values) {
	t.Helper()
	page, form = html(t, w.page(t), query), url.Values{}
	for _, m := range input.FindAllStringSubmatch(page, -1) {
		form.Set(m[1], stdhtml.UnescapeString(m[2]))
	}
	return page, form
}

func post(t *testing.T, h http.Handler, form url.Values, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/debug/resilience", strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	h.ServeHTTP(rec, r)
	return rec
}

var _ = require.Equal
