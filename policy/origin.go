package policy

import "github.com/nexpay-go/resilience/classify"

// An Origin is the place where a field of a policy was set.
type Origin struct {
	Field string // of Policy, such as "MaxAttempts", or "AttemptTimeout"
	Place string // "Codes", "Statuses", "Classes" or "Default"; empty for AttemptTimeout
	Layer int    // 0: Standard; 1: the table given to New; 2: the first table given to With, and so on
	Table string // Name of that table; empty if it has none
}

// Origins returns where the fields of the policy for a verdict were set, in the order of
// the fields, and last AttemptTimeout if there is one. It leaves out MaxAttempts for
// classes that are never retried.
//
// The most specific place that sets a field counts, in whichever table it is. If two
// tables set it in the same place, the later table counts. All tables override Standard.
func (s *Set) Origins(v classify.Verdict) (all []Origin) {
	class := v.Class
	if int(class) >= classes {
		class = classify.Unclassified
	}
	add := func(field string, sets func(*Policy) bool) {
		if o, ok := s.origin(class, &v, sets); ok {
			o.Field = field
			all = append(all, o)
		}
	}
	if class != classify.Fatal && class != classify.Unclassified {
		add("MaxAttempts", func(p *Policy) bool { return p.MaxAttempts != 0 })
	}
	add("Backoff", func(p *Policy) bool { return p.Backoff != Backoff{} })
	add("MaxElapsed", func(p *Policy) bool { return p.MaxElapsed != 0 })
	add("MaxRetryAfter", func(p *Policy) bool { return p.MaxRetryAfter != 0 })
	add("Cost", func(p *Policy) bool { return p.Cost != 0 })
	add("Breaker", func(p *Policy) bool { return p.Breaker != 0 })
	for i := len(s.layers) - 1; i >= 0; i-- {
		if t := s.layers[i]; t.AttemptTimeout != 0 {
			return append(all, Origin{"AttemptTimeout", "", i + 1, t.Name})
		}
	}
	return all
}

// origin returns the most specific place that sets a field.
func (s *Set) origin(class classify.Class, v *classify.Verdict, sets func(*Policy) bool) (Origin, bool) {
	places := []struct {
		name string
		of   func(*Table) Policy
	}{
		{"Codes", func(t *Table) Policy { return t.Codes[v.Code] }},
		{"Statuses", func(t *Table) Policy { return t.Statuses[v.Status] }},
		{"Classes", func(t *Table) Policy { return t.Classes[class] }},
		{"Default", func(t *Table) Policy { return t.Default }},
	}
	for _, place := range places {
		for i := len(s.layers) - 1; i >= 0; i-- {
			if p := place.of(&s.layers[i]); sets(&p) {
				return Origin{Place: place.name, Layer: i + 1, Table: s.layers[i].Name}, true
			}
		}
	}
	standard := base()
	for _, place := range places {
		if p := place.of(&standard); sets(&p) {
			return Origin{Place: place.name}, true
		}
	}
	return Origin{}, false
}
