package resiliencedebug

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"math"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/policy"
)

var (
	//go:embed page.html
	markup string
	//go:embed page.css
	style string
	//go:embed page.js
	script string
)

// securityPolicy allows only the style and the script of the page, by their hashes,
// wherever the page is mounted and whatever text it contains.
var securityPolicy = fmt.Sprintf("default-src 'none'; style-src '%s'; script-src '%s'; connect-src 'self'; img-src data:; form-action 'self'; "+
	"base-uri 'none'; frame-ancestors 'none'", hashOf(style), hashOf(script))

func hashOf(source string) string {
	sum := sha256.Sum256([]byte(source))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// The style and the script are in the page byte for byte, because of their hashes.
var templates = template.Must(template.New("").Funcs(template.FuncMap{
	"style":  func() template.HTML { return template.HTML("<style>" + style + "</style>") },
	"script": func() template.HTML { return template.HTML("<script>" + script + "</script>") },
	"stamp":  stamp,
	"rfc":    func(t time.Time) string { return t.UTC().Format(time.RFC3339) },
	"ago":    ago,
	"id":     func(parts ...string) string { return "r" + digest(parts...) },
	"join":   func(list []string) string { return strings.Join(list, ", ") },
	"none":   func() int { return policy.None },
	"known":  known,
	"part":   func(r *report, rows []breakerRow, id string) breakerTable { return breakerTable{r, rows, id} },
	"lines":  func(list []string) string { return strings.Join(list, "\n") },
}).Parse(markup))

// A breakerTable is one of the two tables of breakers.
type breakerTable struct {
	*report
	Rows []breakerRow
	ID   string
}

// mostClosed is how many closed breakers are shown beside the others; more are folded.
const mostClosed = 12

// Troubled returns the rows that are not closed, or all if few are closed.
func (b *breakersPart) Troubled() []breakerRow {
	if b.closed() <= mostClosed {
		return b.Breakers
	}
	return b.Breakers[:len(b.Breakers)-b.closed()]
}

// Folded returns the other rows.
func (b *breakersPart) Folded() []breakerRow { return b.Breakers[len(b.Troubled()):] }

// closed returns the number of closed breakers, which come last.
func (b *breakersPart) closed() (n int) {
	for n < len(b.Breakers) && b.Breakers[len(b.Breakers)-1-n].Closed() {
		n++
	}
	return n
}

// ago returns how long before or after now t is, in one unit.
func ago(now, t time.Time) string {
	d, form := now.Sub(t), "%s ago"
	if d < 0 {
		d, form = -max(d, -math.MaxInt64), "in %s" // the smallest Duration cannot be negated
	}
	switch {
	case d < time.Second:
		return "now"
	case d < 2*time.Minute:
		return fmt.Sprintf(form, fmt.Sprintf("%d s", int(d.Seconds())))
	case d < 2*time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%d min", int(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf(form, fmt.Sprintf("%d h", int(d.Hours())))
	}
	return fmt.Sprintf(form, fmt.Sprintf("%d days", int(d.Hours()/24)))
}
