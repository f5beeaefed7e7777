package resiliencedebug_test

import (
	"bytes"
	"flag"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/breaker"
)

var screenshots = flag.String("screenshots", "", "the folder to write observe-page.png and observe-page-phone.png into")

// The page in a real browser, which .ci/run does not let be skipped.
func TestBrowser(t *testing.T) {
	c := startChromium(t)
	for name, test := range map[string]func(*testing.T, *chromium){
		"layout and screenshots":      browserLayout,
		"refresh":                     browserRefresh,
		"refresh keeps the place":     browserKeepsPlace,
		"refresh that fails":          browserRefreshFails,
		"hidden or paused":            browserHidden,
		"keyboard alone":              browserKeyboard,
		"what a screen reader has":    browserNames,
		"without scripts":             browserWithoutScripts,
		"hostile texts":               browserHostile,
		"forgery from another site":   browserForgery,
		"plain http, any host's name": browserPlainHTTP,
	} {
		t.Run(name, func(t *testing.T) { test(t, c) })
	}
}

func serve(t *testing.T, h http.Handler) string {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return server.URL + "/debug/resilience"
}

// What the page looks like, for the documentation; and that it fits the screen.
func browserLayout(t *testing.T, c *chromium) {
	w := newWorld(t)
	w.act()
	w.trouble(t)
	url := serve(t, w.page(t))
	b := c.tab(t)
	for name, size := range map[string]image.Point{"observe-page.png": {1280, 2500}, "observe-page-phone.png": {390, 2000}} {
		b.size(t, size.X, 900, size.X < 600)
		b.open(t, url+"?api=nexpay&code=100&status=403#policies")
		require.LessOrEqual(t, b.eval(t, "document.documentElement.scrollWidth"), float64(size.X), "the page is no wider than the screen")
		display := map[bool]string{true: "block", false: "table-row"}[size.X < 600]
		require.Equal(t, display, b.eval(t, `getComputedStyle(document.querySelector("tbody tr")).display`), "tables stack on a phone")
		require.Empty(t, b.complaints())
		if *screenshots != "" {
			height := int(b.eval(t, "document.documentElement.scrollHeight").(float64))
			shot := paletted(t, b.shot(t, size.X, min(height, size.Y)))
			require.Less(t, len(shot), 200_000)
			require.NoError(t, os.WriteFile(filepath.Join(*screenshots, name), shot, 0o644))
		}
	}
}

// paletted makes a small file of a picture of text: its most frequent colours, and for
// others the nearest of them.
func paletted(t *testing.T, shot []byte) []byte {
	t.Helper()
	img, err := png.Decode(bytes.NewReader(shot))
	require.NoError(t, err)
	counts, at := map[color.Color]int{}, img.Bounds()
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			counts[img.At(x, y)]++
		}
	}
	colours := slices.SortedFunc(maps.Keys(counts), func(a, b color.Color) int { return counts[b] - counts[a] })
	small := image.NewPaletted(at, colours[:min(len(colours), 48)])
	nearest := map[color.Color]uint8{}
	for y := at.Min.Y; y < at.Max.Y; y++ {
		for x := at.Min.X; x < at.Max.X; x++ {
			c := img.At(x, y)
			i, known := nearest[c]
			if !known {
				i = uint8(small.Palette.Index(c))
				nearest[c] = i
			}
			small.SetColorIndex(x, y, i)
		}
	}
	var out bytes.Buffer
	require.NoError(t, (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&out, small))
	return out.Bytes()
}

// again has the page refresh at once, as when it is looked at again.
const again = `document.dispatchEvent(new Event("visibilitychange"))`

// By itself, and without anybody's help, the page shows what has happened.
func browserRefresh(t *testing.T, c *chromium) {
	w := newWorld(t)
	b := c.tab(t)
	b.open(t, serve(t, w.page(t)))
	require.Contains(t, b.eval(t, `document.getElementById("summary").innerText`), "All well")
	w.trouble(t)
	b.until(t, `document.getElementById("summary").innerText.includes("3 operations in doubt")`)
	require.Contains(t, b.eval(t, "document.title"), "3 wrong")
	require.Equal(t, true, b.eval(t, `document.querySelector("#rows-now tr").innerText.includes("nexpay payments")`), "what is open comes first")
	require.Equal(t, true, b.eval(t, `!!document.getElementById("unknown")`), "a section that was not there before")
	w.group.Get("payments").Reset()
	w.lockout.Unlock(w.locked())
	b.eval(t, again)
	b.until(t, `!document.getElementById("summary").innerText.includes("locked")`)
	// What was changed in place is what a fresh page has.
	live := b.eval(t, shape)
	b.do(t, "Page.reload", nil, nil)
	b.until(t, `document.readyState === "complete" && !document.getElementById("pause").hidden`)
	require.Equal(t, b.eval(t, shape), live)
	require.Empty(t, b.complaints())
}

func (w *world) locked() string { return w.lockout.Locked()[0].Key }

// shape is what there is in the page, but for times.
const shape = `[...document.querySelectorAll("main *:not(time):not(.ago)")].map(e => e.tagName + "#" + e.id + "." + e.className).join("\n")`

// Focus, scrolling, what is unfolded and what is typed stay, even if rows come and go
// and change places.
func browserKeepsPlace(t *testing.T, c *chromium) {
	w := newWorld(t)
	w.act()
	w.lockout.Lock("payouts-2", breaker.LockCause{Code: "100"})
	w.lockout.Lock("refunds", breaker.LockCause{Code: "100"})
	b := c.tab(t)
	b.size(t, 390, 700, true)
	b.open(t, serve(t, w.page(t)))
	b.eval(t, `document.getElementById("whattodo").open = true; document.getElementById("code").value = "typed"`)
	b.eval(t, `window.link = [...document.querySelectorAll("a")].find(a => a.getAttribute("aria-label") === "Unlock refunds"); link.focus(); link.id`)
	const top = `Math.round(link.getBoundingClientRect().top)`
	b.eval(t, `window.scrollBy(0, link.getBoundingClientRect().top - 300)`)
	before := b.eval(t, top)
	w.lockout.Unlock("payouts-2")
	w.lockout.Lock("a-new-key", breaker.LockCause{Code: "100"})
	w.lockout.Lock("zz", breaker.LockCause{Code: "100"})
	b.eval(t, again)
	b.until(t, `document.getElementById("keys").innerText.includes("a-new-key")`)
	require.Equal(t, "Unlock refunds", b.eval(t, `document.activeElement.getAttribute("aria-label")`))
	require.Equal(t, true, b.eval(t, `document.activeElement === link && link.isConnected`), "it is the same link, so nothing is read out again")
	require.InDelta(t, before, b.eval(t, top), 2, "what one looks at stays where it is on the screen")
	time.Sleep(100 * time.Millisecond) // some frames later
	require.InDelta(t, before, b.eval(t, top), 2)
	require.Equal(t, true, b.eval(t, `document.getElementById("whattodo").open`))
	require.Equal(t, "typed", b.eval(t, `document.getElementById("code").value`))
	require.Empty(t, b.complaints())
}

// A page that is not refreshed says so, and why, and stops saying it.
func browserRefreshFails(t *testing.T, c *chromium) {
	w := newWorld(t)
	var how atomic.Value
	how.Store("")
	page := w.page(t)
	b := c.tab(t)
	b.open(t, serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch how.Load() {
		case "503":
			http.Error(rw, "busy", http.StatusServiceUnavailable)
		case "login":
			fmt.Fprint(rw, "<html><form>who are you?</form>")
		case "cut":
			panic(http.ErrAbortHandler)
		default:
			page.ServeHTTP(rw, r)
		}
	})))
	const live = `document.getElementById("live").innerText`
	for _, tt := range [][2]string{{"503", "HTTP 503"}, {"login", "logged in"}, {"cut", "no answer"}} {
		how.Store(tt[0])
		b.eval(t, again)
		b.until(t, fmt.Sprintf("%s.includes(%q)", live, tt[1]))
		require.Equal(t, true, b.eval(t, `document.getElementById("summary").innerText.includes("All well")`), "what was known stays")
		how.Store("")
		b.eval(t, again)
		b.until(t, live+` === ""`)
	}
}

// What nobody sees is not refreshed, nor what is paused.
func browserHidden(t *testing.T, c *chromium) {
	w := newWorld(t)
	var asked atomic.Int64
	page := w.page(t)
	b := c.tab(t)
	b.open(t, serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		page.ServeHTTP(rw, r)
	})))
	hide := func(hidden bool) {
		b.eval(t, fmt.Sprintf(`Object.defineProperty(document, "hidden", {value: %t, configurable: true}); `+again, hidden))
	}
	quiet := func() {
		before := asked.Load()
		time.Sleep(3300 * time.Millisecond)
		require.Equal(t, before, asked.Load())
	}
	hide(true)
	quiet()
	before := asked.Load()
	hide(false)
	require.Eventually(t, func() bool { return asked.Load() > before }, 5*time.Second, 10*time.Millisecond)
	b.eval(t, `document.getElementById("pause").click()`)
	b.until(t, `document.getElementById("live").innerText.includes("Paused")`)
	quiet()
	before = asked.Load()
	b.eval(t, `document.getElementById("pause").click()`)
	require.Eventually(t, func() bool { return asked.Load() > before }, 5*time.Second, 10*time.Millisecond)
}

// All can be reached and done by keyboard, and it is seen where one is.
func browserKeyboard(t *testing.T, c *chromium) {
	w := newWorld(t)
	w.act()
	w.lockout.Lock("refunds", breaker.LockCause{Code: "100", Advice: "Call the vendor."})
	b := c.tab(t)
	b.open(t, serve(t, w.page(t)))
	b.do(t, "Page.bringToFront", nil, nil)
	const here = `(() => { const e = document.activeElement; return e.getAttribute("aria-label") || e.innerText || e.id })()`
	var order []string
	for range 60 {
		b.press(t, "Tab")
		name := b.eval(t, here).(string)
		require.NotEqual(t, "none", b.eval(t, `getComputedStyle(document.activeElement).outlineStyle`), "it is seen that %q has the focus", name)
		if order = append(order, name); name == "Unlock refunds" {
			break
		}
	}
	require.Equal(t, "Skip to what is wrong now", order[0])
	require.Equal(t, "Unlock refunds", order[len(order)-1], "%v", order)
	require.Less(t, slices.Index(order, "Pause"), slices.Index(order, "Breakers"))
	b.press(t, "Enter")
	b.until(t, `document.querySelector("h1").innerText === "Unlock key refunds?"`)
	require.Contains(t, b.eval(t, "document.body.innerText"), "Call the vendor.")
	require.Len(t, w.lockout.Locked(), 1, "nothing is done before it is confirmed")
	b.press(t, "Tab")
	require.Equal(t, "Unlock refunds", b.eval(t, here))
	b.press(t, "Enter")
	b.until(t, `document.querySelector("h1").innerText === "refunds: The key is unlocked."`)
	require.Empty(t, w.lockout.Locked())
	require.Len(t, w.actions, 1)
	b.press(t, "Tab")
	b.press(t, "Enter")
	b.until(t, `!!document.getElementById("summary")`)
	require.Empty(t, b.complaints())
}

// Everything that a screen reader goes by has a name.
func browserNames(t *testing.T, c *chromium) {
	for _, width := range []int{1280, 390} {
		w := newWorld(t)
		w.act()
		w.trouble(t)
		b := c.tab(t)
		b.size(t, width, 900, width < 600)
		b.open(t, serve(t, w.page(t))+"?code=100")
		var tree struct {
			Nodes []struct {
				Ignored    bool
				Role, Name struct{ Value any }
			}
		}
		b.do(t, "Accessibility.getFullAXTree", nil, &tree)
		seen := map[string]int{}
		for _, n := range tree.Nodes {
			role, _ := n.Role.Value.(string)
			name, _ := n.Name.Value.(string)
			if n.Ignored {
				continue
			}
			seen[role]++
			if slices.Contains([]string{"table", "region", "link", "button", "textbox", "combobox", "columnheader", "rowheader", "heading", "navigation", "meter", "RootWebArea"}, role) {
				require.NotEmpty(t, strings.TrimSpace(name), "%s at %d pixels", role, width)
			}
		}
		require.GreaterOrEqual(t, seen["table"], 4, "at %d pixels", width)
		require.GreaterOrEqual(t, seen["columnheader"], 20, "at %d pixels: where tables stack they are tables still", width)
		require.GreaterOrEqual(t, seen["rowheader"], 10)
		require.Equal(t, 1, seen["navigation"])
		require.Equal(t, 1, seen["main"])
		require.GreaterOrEqual(t, seen["status"], 1)
		require.Equal(t, []any{"H1", "H2", "H2", "H2", "H2", "H3", "H2", "H2", "H3", "H2"},
			b.eval(t, `[...document.querySelectorAll("h1,h2,h3,h4")].map(e => e.tagName)`))
		require.Equal(t, "", b.eval(t, `[...document.querySelectorAll("[id]")].map(e => e.id).filter((id, i, all) => all.indexOf(id) !== i).join()`), "ids are unique")
	}
}

func browserWithoutScripts(t *testing.T, c *chromium) {
	w := newWorld(t)
	w.trouble(t)
	b := c.tab(t)
	b.do(t, "Emulation.setScriptExecutionDisabled", params{"value": true}, nil)
	b.do(t, "Page.navigate", params{"url": serve(t, w.page(t)) + "?code=100&api=nexpay"}, nil)
	b.until(t, `document.readyState === "complete" && document.getElementById("summary")`)
	text := b.eval(t, "document.body.innerText").(string)
	for _, part := range []string{"3 operations in doubt", "Without scripts, reload", "inv-2026-0815", "QUOTA_EXCEEDED", "API key locked", "every further call with this key fails"} {
		require.Contains(t, text, part)
	}
	require.NotContains(t, text, "Pause", "a button that does nothing is not there")
}

// Nothing that comes from outside runs, or breaks out of its place, or of its line.
func browserHostile(t *testing.T, c *chromium) {
	w := newWorld(t)
	w.act()
	w.hostile(t)
	b := c.tab(t)
	b.open(t, serve(t, w.page(t))+`?api=nexpay&code=%3Cscript%3Ealert(1)%3C/script%3E`)
	b.eval(t, again)
	time.Sleep(300 * time.Millisecond)
	require.Equal(t, "undefined", b.eval(t, "typeof window.pwned"))
	require.Empty(t, b.complaints(), "no dialog, no blocked script, no request elsewhere")
	require.Equal(t, float64(1), b.eval(t, `document.scripts.length`))
	require.Equal(t, float64(0), b.eval(t, `document.querySelectorAll("img, iframe, svg, object, [onerror], [onclick]").length`))
	require.Equal(t, true, b.eval(t, `document.body.innerText.includes("<script>")`), "it is shown for what it is")
}

// A form on another site, or on another port, unlocks nothing, whoever looks at it.
func browserForgery(t *testing.T, c *chromium) {
	w := newWorld(t)
	w.act()
	w.lockout.Lock("refunds", breaker.LockCause{Code: "100"})
	url := serve(t, w.page(t))
	_, form := w.form(t, "?action=unlock&api=nexpay&name=refunds")
	var inputs strings.Builder
	for name := range form {
		fmt.Fprintf(&inputs, `<input type=hidden name=%q value=%q>`, name, form.Get(name))
	}
	evil := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		rw.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(rw, `<form method=post action=%q>%s</form><script>document.forms[0].submit()</script>`, url, inputs.String())
	}))
	defer evil.Close()
	for _, host := range []string{"127.0.0.1", "evil.example"} {
		b := c.tab(t)
		b.do(t, "Page.navigate", params{"url": strings.Replace(evil.URL, "127.0.0.1", host, 1)}, nil)
		b.until(t, `document.body && document.body.innerText.includes("another site")`)
	}
	require.Len(t, w.lockout.Locked(), 1)
	require.Empty(t, w.actions)
}

// Where the page is served as plain http under a name, browsers do not say
// Sec-Fetch-Site, and what they say as Origin depends on the Referrer-Policy.
func browserPlainHTTP(t *testing.T, c *chromium) {
	w := newWorld(t)
	w.act()
	w.lockout.Lock("refunds", breaker.LockCause{Code: "100"})
	var site, origin atomic.Value
	page := w.page(t)
	url := serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			site.Store(r.Header.Get("Sec-Fetch-Site"))
			origin.Store(r.Header.Get("Origin"))
		}
		page.ServeHTTP(rw, r)
	}))
	url = strings.Replace(url, "127.0.0.1", "inside.example", 1)
	b := c.tab(t)
	b.open(t, url+"?action=unlock&api=nexpay&name=refunds")
	b.eval(t, `document.querySelector("button").click()`)
	b.until(t, `document.querySelector("h1").innerText.includes("unlocked")`)
	require.Empty(t, site.Load())
	require.Equal(t, strings.TrimSuffix(url, "/debug/resilience"), origin.Load())
}
