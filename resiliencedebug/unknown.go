package resiliencedebug

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/retry"
)

// An unknownPart has the codes of one API that its catalog has no rule for.
type unknownPart struct {
	API   string       `json:"api"`
	Count int64        `json:"count"` // answers with such a code
	Codes []unknownRow `json:"codes"` // the most frequent first, at most 100
	YAML  []string     `json:"yaml"`  // lines for the rules of a policy file
}

type unknownRow struct {
	Code    string    `json:"code"`
	Count   int64     `json:"count"`
	Status  int       `json:"status,omitempty"` // HTTP status of the first answer
	TraceID string    `json:"trace_id,omitempty"`
	First   time.Time `json:"first"`
}

func (p *page) unknownNow(stats map[string]retry.Stats) (parts []unknownPart) {
	for _, api := range p.names {
		unknown, catalog := stats[api].Unknown, p.retriers[api].Catalog()
		if len(unknown) == 0 || catalog == nil {
			continue
		}
		part := unknownPart{API: api, Count: stats[api].UnknownCodes, YAML: []string{"rules:"}}
		for _, u := range unknown {
			part.Codes = append(part.Codes, unknownRow{string(u.Code), u.Count, u.Status, u.TraceID, u.First.UTC()})
			part.YAML = append(part.YAML, ruleLines(catalog, &u)...)
		}
		parts = append(parts, part)
	}
	return parts
}

// ruleLines returns a rule for a code that changes nothing, so that it can be pasted
// before the meaning of the code is known.
func ruleLines(catalog *classify.Catalog, u *retry.UnknownCode) []string {
	seen := fmt.Sprintf("%s since %s", count(int(u.Count), "time"), u.First.UTC().Format(time.RFC3339))
	if u.TraceID != "" {
		seen += ", trace " + text.Line(u.TraceID)
	}
	if !single(u.Code) {
		return []string{"  # " + u.Code.Text() + ": " + seen + "; a policy file cannot name this code: a rule for it would match other codes too"}
	}
	where, class := "without HTTP status", classAsIs(catalog, u)
	if u.Status != 0 {
		where = fmt.Sprintf("with HTTP %d", u.Status)
	}
	return []string{
		"  - code: " + quoted(string(u.Code)) + " # " + seen,
		"    name: " + quoted("unknown, seen "+where),
		"    class: " + class + " # as now; correct it by the vendor's documentation",
	}
}

// single reports whether a rule can match this code alone: "E*" would match all codes that
// begin with E, "20..30" a range.
func single(code classify.Code) bool {
	first, last, ok := classify.Rule{Codes: string(code)}.Bounds()
	return ok && first == code && last == code && !strings.Contains(string(code), "..")
}

// classAsIs is the class that the status alone gives the code, as a policy file spells it.
func classAsIs(catalog *classify.Catalog, u *retry.UnknownCode) string {
	v := catalog.Classify(&classify.Error{Status: u.Status, Details: []classify.Detail{{Code: u.Code}}})
	if v.Class == classify.Unclassified { // not sent again, and not a class that a rule can have
		v.Class = classify.Fatal
	}
	return strings.ReplaceAll(v.Class.String(), " ", "-")
}

// quoted is text as YAML has it in double quotes, whose escapes are those of JSON.
func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return `""`
	}
	return string(b)
}
