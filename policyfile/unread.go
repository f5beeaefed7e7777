package policyfile

import (
	"reflect"
	"slices"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/policy"
)

// strange reports whether a node has an unknown field, or is not a mapping: any missing
// field may be what was meant.
func (d *decoder) strange(n *yaml.Node, as reflect.Type) bool {
	names := d.fieldNames(as)
	for i := 0; i+1 < len(n.Content); i += 2 {
		if !slices.Contains(names, n.Content[i].Value) {
			return true
		}
	}
	return n.Kind != yaml.MappingNode
}

// unknownIn reports whether the intended value of a field is unknown: it could not be
// read, or may be misspelled.
func (d *decoder) unknownIn(n *yaml.Node, field string, as reflect.Type) bool {
	if n == nil {
		return false
	}
	value := child(n, field)
	return d.bad[value] || value == nil && d.bad[n] && d.strange(n, as)
}

// soften replaces values that could not be read with harmless ones where a missing value
// would cause further errors about the values beside it.
func (d *decoder) soften(n *yaml.Node, v any) {
	unknown := func(field string) bool { return d.unknownIn(n, field, reflect.TypeOf(v).Elem()) }
	switch s := v.(type) {
	case *settings:
		attempts := unknown("attempts")
		if attempts || unknown("elapsed") {
			s.Elapsed = wait(time.Second) // not endless
		}
		if attempts && s.Backoff.Initial == policy.None || unknown("backoff") {
			s.Backoff = backoff{Initial: wait(time.Second)} // nor without a wait
		}
	case *answer:
		if unknown("idempotent-for") {
			s.IdempotentFor = period(time.Hour) // required with keys
		}
		if unknown("idempotency-keys") {
			s.IdempotencyKeys = paths{"Idempotency-Key"} // required with a time
		}
	case *breakerSettings:
		if unknown("open-for") {
			s.OpenFor = period(time.Millisecond) // not longer than max-open-for
		}
	}
}
