package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

// settingNames are the names of policy fields in a file.
var settingNames = map[string]string{
	"MaxAttempts": "attempts", "Backoff": "backoff", "MaxElapsed": "elapsed", "MaxRetryAfter": "max-retry-after", "Cost": "cost", "Breaker": "breaker",
	"AttemptTimeout": "attempt-timeout",
}

// origins prints where the settings that have a consequence were set.
func (s *screen) origins(set *policy.Set, e policy.Explanation) {
	v := classify.Verdict{Class: e.Rule.Class, Code: e.Code, Status: e.Status}
	var order []string
	settings := map[string][]string{}
	for _, o := range set.Origins(v) {
		if !consequent(&e, o.Field) {
			continue
		}
		from := originText(&o, &v)
		if settings[from] == nil {
			order = append(order, from)
		}
		settings[from] = append(settings[from], settingNames[o.Field])
	}
	name := "set by"
	for _, from := range order {
		s.line(name, from+": "+strings.Join(settings[from], ", "))
		name = ""
	}
}

// consequent reports whether a setting has a consequence: waits need a second send.
func consequent(e *policy.Explanation, field string) bool {
	switch {
	case field == "Breaker" || field == "AttemptTimeout", field == "MaxAttempts" && e.MaxSends == 1:
		return true
	case e.MaxSends == 1:
		return false
	case e.Rule.Class == classify.Retryable:
		return true
	}
	return slices.Contains([]string{"MaxElapsed", "MaxRetryAfter"}, field)
}

// originText returns a place in a file: policies.yaml, statuses 429.
func originText(o *policy.Origin, v *classify.Verdict) string {
	table := o.Table
	switch {
	case o.Layer == 0:
		table = "the library"
	case table == "":
		table = "the table"
	}
	switch o.Place {
	case "":
		return table
	case "Codes":
		return fmt.Sprintf("%s, codes %s", table, v.Code.Text())
	case "Statuses":
		return fmt.Sprintf("%s, statuses %d", table, v.Status)
	case "Classes":
		return fmt.Sprintf("%s, classes %v", table, v.Class)
	}
	return table + ", default"
}
