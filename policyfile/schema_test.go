package policyfile

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
)

type object = map[string]any

const schemaID = "https://raw.githubusercontent.com/nexpay-go/resilience/main/policyfile/schema.json"

// schemaOf describes in JSON Schema how a value of a type is written.
func schemaOf(t reflect.Type) object {
	v := reflect.New(t).Elem()
	orNone := func(s object) object { return object{"anyOf": []any{s, object{"const": none}}} }
	switch v.Interface().(type) {
	case wait:
		return object{"type": "string", "pattern": `^(none|([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+)$`}
	case amount:
		return object{"type": "integer", "minimum": 1}
	case count:
		return orNone(object{"type": "integer", "minimum": 1})
	case ratio:
		return orNone(object{"type": "number", "exclusiveMinimum": 0, "maximum": 1})
	case period:
		return object{"type": "string", "pattern": `^([0-9]+(\.[0-9]*)?(ns|us|µs|ms|s|m|h))+$`}
	case path:
		return object{"type": "string", "minLength": 1, "maxLength": 256}
	case paths, successes:
		one := schemaOf(t.Elem())
		return object{"anyOf": []any{one, object{"type": "array", "items": one}}}
	case codes, classify.Code:
		return object{"anyOf": []any{
			object{"type": "integer"},
			object{"type": "string", "minLength": 1, "maxLength": 128},
		}}
	case refund:
		return object{"enum": words(refunds)}
	default:
		if names := choices(v.Addr().Interface()); names != nil {
			return object{"enum": words(names)}
		}
	}
	switch t.Kind() {
	case reflect.String:
		return object{"type": "string", "maxLength": mostText}
	case reflect.Bool:
		return object{"type": "boolean"}
	case reflect.Float64:
		return object{"type": "number", "minimum": 1}
	case reflect.Slice:
		return object{"type": "array", "items": schemaOf(t.Elem()), "maxItems": mostEntries}
	case reflect.Map:
		return object{"type": "object", "additionalProperties": false, "patternProperties": object{keys(t.Key()): schemaOf(t.Elem())}}
	}
	return fieldsSchema(t)
}

func fieldsSchema(t reflect.Type) object {
	properties, required := object{}, []any{}
	for i := range t.NumField() {
		f := t.Field(i)
		s := schemaOf(f.Type)
		s["description"] = f.Tag.Get("doc")
		properties[f.Tag.Get("name")] = s
		if f.Tag.Get("required") == "true" {
			required = append(required, f.Tag.Get("name"))
		}
	}
	s := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// keys is the pattern of the keys of a mapping.
func keys(t reflect.Type) string {
	switch v := reflect.New(t).Interface().(type) {
	case *statuses:
		return `^[1-5][0-9][0-9](\.\.[1-5][0-9][0-9])?$`
	case *classify.Code:
		return `^.{1,128}$`
	default:
		return fmt.Sprintf("^(%s)$", strings.Join(choices(v), "|"))
	}
}

// choices are the words that a value may be, nil if it is not one of several.
func choices(v any) []string {
	s := scalarOf(reflect.ValueOf(v).Elem())
	if w, ok := s.(interface{ words() []string }); ok {
		return w.words()
	}
	return nil
}

func words(names []string) []any {
	all := make([]any, len(names))
	for i, name := range names {
		all[i] = name
	}
	return all
}

func schema(t *testing.T) []byte {
	s := schemaOf(reflect.TypeFor[document]())
	s["$schema"], s["$id"] = "https://json-schema.org/draft/2020-12/schema", schemaID
	s["title"] = "What the error codes of an API mean, and what to do about them"
	s["anyOf"] = []any{object{"required": []any{"name"}}, object{"required": []any{"extends"}}}
	s["properties"].(object)["extends"].(object)["enum"] = words(Builtins())
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	require.NoError(t, encoder.Encode(s))
	return b.Bytes()
}

// The schema in the repository is that of the types.
func TestSchema(t *testing.T) {
	want := schema(t)
	if f := flag.Lookup("update"); f.Value.String() == "true" {
		require.NoError(t, os.WriteFile("schema.json", want, 0o644))
	}
	got, err := os.ReadFile("schema.json")
	require.NoError(t, err)
	require.Equal(t, string(want), string(got), "run go test -update")
}

// An editor that follows the schema accepts what the package accepts, and finds what is wrong with the form.
func TestSchemaAndPackageAgree(t *testing.T) {
	compiler := jsonschema.NewCompiler()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema(t)))
	require.NoError(t, err)
	require.NoError(t, compiler.AddResource("schema.json", document))
	compiled, err := compiler.Compile("schema.json")
	require.NoError(t, err)
	check := func(data string) error {
		var v any
		require.NoError(t, yaml.Unmarshal([]byte(data), &v))
		asJSON, err := json.Marshal(plain(v))
		require.NoError(t, err)
		instance, err := jsonschema.UnmarshalJSON(bytes.NewReader(asJSON))
		require.NoError(t, err)
		return compiled.Validate(instance)
	}
	for _, name := range Builtins() {
		data, _ := Builtin(name)
		require.NoError(t, check(string(data)), name)
	}
	for file, right := range map[string]bool{
		"extends: nexpay\n": true,
		"name: x\n":         true,
		"$schema: x\nextends: http\ndefault: {attempts: none, backoff: {initial: 1m30.5s, multiplier: 1.5}, cost: none, elapsed: 1m}":                    true,
		"extends: grpc\nbreaker: {failure-ratio: none, report-only: true}\nbudget: {capacity: 500, refund: none}\n":                                      true,
		"extends: grpc\nbreaker: {failure-ratio: 0.3, window: 1m}\nclasses: {fix-and-resend: {attempts: 1}}\nstatuses: {503: {}}\n":                      true,
		"name: x\nrules: [{code: -5..-1, name: y, class: fatal, lockout: true}]\n":                                                                       true,
		"name: x\nrules: [{code: 502, name: y, class: retryable, effect: not-applied, i-am-sure: true}]\n":                                               true,
		"name: x\nrules: [{code: card_declined, name: y, class: fatal}, {code: \"EAPI:*\", name: y, class: fatal}]\ncodes: {card_declined: {cost: 1}}\n": true,
		"name: x\nstatuses: {500..599: {attempts: 2}, 503: {cost: none}}\n":                                                                              true,

		"{}\n":                  false,
		"extends: other\n":      false,
		"extends: nexpay\nx: 1": false,
		"extends: nexpay\ndefault: {attempts: 0}":                 false,
		"extends: nexpay\ndefault: {attempts: many}":              false,
		"extends: nexpay\ndefault: {elapsed: 5}":                  false,
		"extends: nexpay\ndefault: {elapsed: 5 seconds}":          false,
		"extends: nexpay\nclasses: {fix and resend: {}}":          false,
		"extends: nexpay\nstatuses: {99: {}}":                     false,
		"extends: nexpay\nstatuses: {5xx: {}}":                    false,
		"extends: nexpay\nstatuses: {500..600: {}}":               false,
		"extends: nexpay\nbreaker: {slow-call: none}":             false,
		"extends: nexpay\nbreaker: {probes: none}":                false,
		"extends: nexpay\nbudget: {capacity: none}":               false,
		"extends: nexpay\ndefault: {backoff: {max: none}}":        false,
		"extends: nexpay\nbreaker: {failure-ratio: 1.5}":          false,
		"extends: nexpay\nbreaker: {report-only: 1}":              false,
		"extends: nexpay\nbudget: {refund: all}":                  false,
		"name: x\nrules: [{name: y, class: fatal}]\n":             false,
		"name: x\nrules: [{code: \"\", name: y, class: fatal}]\n": false,
		"name: x\nrules: [{code: 1.5, name: y, class: fatal}]\n":  false,
		"name: x\nrules: [{code: 1, class: fatal}]\n":             false,
		"name: x\nrules: [{code: 1, name: y}]\n":                  false,
		"name: x\nrules: [{code: 1, name: y, class: deadly}]\n":   false,
		"name: x\nrules: {}\n":                                    false,
		"name: x\ndefault: {backoff: {multiplier: 0.5}}\n":        false,
		"name: 7\n":                             false,
		"name: x\ndefault: {attempts: \"3\"}\n": false,
		"name: x\ndefault: {backoff: {multiplier: \"2\"}}\n": false,
		"name: x\nbreaker: {report-only: \"true\"}\n":        false,
		"name: x\ndefault: {breaker: open}\n":                false,
	} {
		_, err := Parse("f", []byte(file))
		require.Equal(t, right, err == nil, "%s\n%v", file, err)
		err = check(file)
		require.Equal(t, right, err == nil, "by the schema: %s\n%v", file, err)
	}
}

// plain gives the mappings of YAML the keys of JSON.
func plain(v any) any {
	switch v := v.(type) {
	case map[any]any:
		m := object{}
		for k, e := range v {
			m[fmt.Sprint(k)] = plain(e)
		}
		return m
	case object:
		for k, e := range v {
			v[k] = plain(e)
		}
	case []any:
		for i, e := range v {
			v[i] = plain(e)
		}
	}
	return v
}
