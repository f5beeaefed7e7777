package policyfile

import (
	"reflect"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/policy"
)

// strange reports whether a node has a field that is not known, or none at all: any of
// those that are may be meant by it.
func (d *decoder) strange(n *yaml.Node, as reflect.Type) bool {
	names := d.fieldNames(as)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(names, n.Content[i].Value) {
			return true
		}
	}
	return n.Kind != yaml.MappingNode
}

// unknownIn reports whether nobody knows what a field was meant to say: it could not be
// read, or something may stand for it.
func (d *decoder) unknownIn(n *yaml.Node, field string, as reflect.Type) bool {
	if n == nil {
		return false
	}
	value := child(n, field)
	return d.bad[value] || value == nil && d.bad[n] && d.strange(n, as)
}

// soften puts harmless values in the place of those that could not be read, where to
// take them as left out would make mistakes of what stands beside them: all of that is
// judged in the same run.
func (d *decoder) soften(n *yaml.Node, v any) {
	unknown := func(field string) bool { return d.unknownIn(n, field, reflect.TypeOf(v).Elem()) }
	switch s := v.(type) {
	case *settings:
		attempts := unknown("attempts")
		if attempts || unknown("elapsed") {
			s.Elapsed = wait(time.Second) // not without end
		}
		if attempts && s.Backoff.Initial == policy.None || unknown("backoff") {
			s.Backoff = backoff{Initial: wait(time.Second)} // nor as fast as it can
		}
	case *answer:
		if unknown("idempotent-for") {
			s.IdempotentFor = period(time.Hour) // beside keys
		}
		if unknown("idempotency-keys") {
			s.IdempotencyKeys = paths{"Idempotency-Key"} // beside a time
		}
	case *breakerSettings:
		if unknown("open-for") {
			s.OpenFor = period(time.Millisecond) // no longer than max-open-for
		}
	}
}
