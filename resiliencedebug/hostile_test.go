package resiliencedebug_test

import (
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/resiliencedebug"
	"github.com/nexpay-go/resilience/retry"
)

// attacks are texts that a server, a journal or an operator may come up with.
var attacks = []string{
	`<script>window.pwned=1;alert(1)</script>`,
	`"><img src=x onerror="window.pwned=1">`,
	`</title></pre></style></textarea><svg/onload=window.pwned=1>`,
	`' onfocus='window.pwned=1' autofocus='`,
	`javascript:window.pwned=1`,
	`{{.}} ${7*7} <!-- -->`,
	"two\r\nlines\x00\x1b[31m and \u202ebackwards\u2066\u2028\ufeff",
	"broken \xff\xfe utf-8",
}

// hostile fills a world with them, wherever a text can stand.
func (w *world) hostile(t testing.TB) {
	t.Helper()
	for i, a := range attacks {
		w.group.Get(a).Isolate(a)
		w.lockout.Lock(a, breaker.LockCause{Code: a, TraceID: a, Reason: a, Advice: a, By: a})
		begin(t, w.journal, retry.Entry{ID: a, Key: a, Fingerprint: a, At: time.Now().Add(-time.Hour), TraceIDs: []string{a, a}})
		fail(t, w.cards, 1, answer(400, classify.Code(a), a), retry.Endpoint(a), retry.Named(a))
		if c := classify.Code(a); c.Valid() {
			fail(t, w.cards, i, answer(403, c, a))
		}
	}
}

// Whatever stands anywhere, the page and the JSON are as they are meant: no element, no
// attribute and no line more, and nothing that cannot be printed.
func TestHostileTexts(t *testing.T) {
	w := newWorld(t)
	w.act()
	w.hostile(t)
	h := w.page(t)
	for _, query := range []string{"", "?api=cards&code=" + url.QueryEscape(attacks[0]), "?api=" + url.QueryEscape(attacks[1]) + "&code=1&status=" + url.QueryEscape(attacks[2])} {
		innocent(t, html(t, h, query))
		answer := get(t, h, "?format=json&"+strings.TrimPrefix(query, "?")).Body.String()
		require.True(t, json.Valid([]byte(answer)))
		require.NotContains(t, answer, "<", "even where it is taken for a page")
		printable(t, answer)
	}
	for _, a := range attacks {
		for _, query := range []url.Values{
			{"action": {"unlock"}, "api": {"nexpay"}, "name": {a}}, {"action": {"isolate"}, "api": {"nexpay"}, "name": {text.Line(a)}},
			{"action": {"isolate"}, "api": {a}, "name": {a}}, {"action": {a}},
		} {
			rec := get(t, h, "?"+query.Encode())
			printable(t, rec.Body.String())
			if strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") {
				innocent(t, rec.Body.String())
			}
		}
	}
	s := see(t, h, "")
	require.Len(t, s.Keys.Keys, 3+len(attacks))
	require.Equal(t, len(attacks), s.Journals[0].InDoubt)
}

// A breaker that the program has named badly takes the page from nobody, and can be isolated.
func TestHostileBreakerName(t *testing.T) {
	b, err := breaker.New(breaker.Config{Name: attacks[6] + attacks[0]})
	require.NoError(t, err)
	r, err := retry.New(retry.Config{Breaker: b})
	require.NoError(t, err)
	h, err := resiliencedebug.New(resiliencedebug.Config{
		Retriers: map[string]*retry.Retrier{"bank": r},
		Actions:  &resiliencedebug.Actions{Who: func(*http.Request) string { return "ops" }},
	})
	require.NoError(t, err)
	innocent(t, html(t, h, ""))
	require.True(t, json.Valid(get(t, h, "?format=json").Body.Bytes()))
	rec := get(t, h, "?"+url.Values{"action": {"isolate"}, "api": {"bank"}, "name": {text.Line(b.Name())}}.Encode())
	require.Equal(t, http.StatusOK, rec.Code)
	innocent(t, rec.Body.String())
}

// A journal may hold a time that JSON has no form for. The rest is shown all the same.
func TestHostileTimes(t *testing.T) {
	w := newWorld(t)
	for id, at := range map[string]time.Time{
		"last": time.Unix(1<<55, 0), "10000": time.Date(10_000, 1, 1, 0, 0, 0, 0, time.UTC), "before": time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		begin(t, w.journal, retry.Entry{ID: id, At: at, First: at})
	}
	h := w.page(t)
	s := see(t, h, "")
	require.Equal(t, 3, s.Journals[0].InDoubt)
	page := html(t, h, "")
	require.Contains(t, page, "9999-12-31 23:59:59</time> <span class=\"ago\">in 106751 days<")
}

// What the page is made of, once style and script are cut out.
var (
	elements = regexp.MustCompile(`</?([a-zA-Z!][a-zA-Z0-9!]*)([^>]*)>`)
	values   = regexp.MustCompile(`="[^"]*"`)
	links    = regexp.MustCompile(` (?:href|action)="([^"]*)"`)

	tags = set(`title head body a header h1 h2 h3 p span time button noscript nav main section div ul ol li table caption thead tr th td tbody
		details summary code pre form label select option input meter strong dl dt dd html script`)
	attributes = set(`id class href role scope tabindex lang type hidden aria-label aria-labelledby aria-invalid aria-describedby datetime data-label
		name value size maxlength autocomplete spellcheck inputmode method action for min max low selected required`)
)

func set(words string) map[string]bool {
	all := map[string]bool{}
	for word := range strings.FieldsSeq(words) {
		all[word] = true
	}
	return all
}

// innocent holds a page to what it is made of.
func innocent(t *testing.T, page string) {
	t.Helper()
	printable(t, page)
	_, page, found := strings.Cut(page, "</style>")
	require.True(t, found)
	page, _, _ = strings.Cut(page, "<script>// Refreshes")
	require.NotContains(t, page, "<script>")
	for _, e := range elements.FindAllStringSubmatch(page, -1) {
		if !tags[e[1]] {
			require.FailNow(t, "an element from outside", e[0])
		}
		for attribute := range strings.FieldsSeq(values.ReplaceAllString(e[2], " ")) {
			if !attributes[attribute] {
				require.FailNow(t, "an attribute from outside", e[0])
			}
		}
		for _, link := range links.FindAllStringSubmatch(e[2], -1) {
			if link[1] == "" || !strings.Contains("?#", link[1][:1]) {
				require.FailNow(t, "a link that leads elsewhere", e[0])
			}
		}
	}
}

func printable(t *testing.T, s string) {
	t.Helper()
	require.True(t, utf8.ValidString(s))
	for _, r := range s {
		if r != '\n' && !unicode.IsPrint(r) {
			require.FailNow(t, "not printable", "%U in %q", r, s[max(0, strings.IndexRune(s, r)-40):][:60])
		}
	}
}

// Many may look at once, at hostile texts too: for the race detector.
func TestManyLook(t *testing.T) {
	w := newWorld(t)
	w.hostile(t)
	h := w.page(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { get(t, h, "?format=json") })
	}
	all.Wait()
}

// No field is forgotten: whatever bytes there are, all of it comes out clean.
func TestAnyTexts(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, 0))
	pieces := []string{"<", ">", "&", "'", "\"", "`", "=", "/", "a", " ", "\n", "\r", "\t", "\x00", "\x7f", "\u0085", "\u200b", "\u202e", "\u2028", "\ufeff", "\xff", "\xed\xa0\x80", "{{", "}}", "<!--", "]]>", "script", "%", "#", "?"}
	w := newWorld(t)
	w.act()
	var all []string
	for range 150 {
		var b strings.Builder
		for range 1 + draw.IntN(12) {
			b.WriteString(pieces[draw.IntN(len(pieces))])
		}
		s := b.String()
		all = append(all, s)
		w.group.Get(s).Isolate(s)
		w.lockout.Lock(s, breaker.LockCause{Code: s, TraceID: s, Reason: s, Advice: s, By: s})
		begin(t, w.journal, retry.Entry{ID: s, Key: s, TraceIDs: []string{s}})
		fail(t, w.cards, 1, answer(400, classify.Code(s), s))
	}
	h := w.page(t)
	innocent(t, html(t, h, ""))
	for _, s := range all[:3] {
		innocent(t, html(t, h, "?api="+url.QueryEscape(s)+"&code="+url.QueryEscape(s)))
	}
	text := get(t, h, "?format=json").Body.String()
	require.True(t, json.Valid([]byte(text)))
	printable(t, text)
}
