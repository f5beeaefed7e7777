package main

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/classify"
)

// usual is the zero Shape, written out.
var usual = classify.Shape{
	Code: []string{"$.errors[*].code"}, Message: []string{"$.errors[*].message"}, Data: []string{"$.errors[*].data"},
	TraceID: []string{"$.traceId"},
}

// filledShape fills in the defaults of a shape.
func filledShape(s classify.Shape) classify.Shape {
	if len(s.Code)+len(s.Message)+len(s.Data)+len(s.TraceID) == 0 {
		s.Code, s.Message, s.Data, s.TraceID = usual.Code, usual.Message, usual.Data, usual.TraceID
	}
	if s.Success == nil {
		s.Success = []classify.Code{"0"}
	}
	return s
}

// A shapeField is a field of answer: in a file.
type shapeField struct{ name, value string }

// shapeFields returns the fields of a shape, as a file names them.
func shapeFields(s classify.Shape) (all []shapeField) {
	s.RetryAfter = withUnits(s.RetryAfter)
	v := reflect.ValueOf(filledShape(s))
	for i := range v.NumField() {
		name := strings.ReplaceAll(v.Type().Field(i).Name, "ID", "Id")
		all = append(all, shapeField{fieldName(name), shapeText(v.Field(i).Interface())})
	}
	return all
}

func shapeText(v any) string {
	switch v := v.(type) {
	case time.Duration:
		return orNone(v)
	case bool:
		if v {
			return "true"
		}
		return "none"
	case []classify.Code:
		texts := make([]string, len(v))
		for i, code := range v {
			texts[i] = code.Text()
		}
		return listed(texts)
	default:
		return listed(v.([]string))
	}
}

func listed(texts []string) string {
	if len(texts) == 0 {
		return "none"
	}
	return strings.Join(texts, ", ")
}

// withUnits returns wait headers with their units, whether or not the name implies the
// unit.
func withUnits(headers []string) (all []string) {
	for _, text := range headers {
		name, _, _ := strings.Cut(text, " ")
		catalog, err := classify.JSONRPC().WithShape(classify.Shape{RetryAfter: []string{text}})
		if err != nil { // not a valid shape
			return headers
		}
		one := http.Header{http.CanonicalHeaderKey(name): {"1"}}
		switch catalog.Decode(http.StatusTooManyRequests, one, nil).RetryAfter {
		case time.Millisecond:
			name += " ms"
		case time.Second:
			name += " s"
		}
		all = append(all, name)
	}
	return all
}

// shapeLines describes a shape in lines of text, none for the zero Shape.
func shapeLines(s classify.Shape) (lines []string) {
	if reflect.DeepEqual(s, classify.Shape{}) {
		return nil
	}
	for _, f := range shapeFields(s) {
		if f.value != "none" || f.name == "success" {
			lines = append(lines, fmt.Sprintf("%-17s %s", f.name, f.value))
		}
	}
	return lines
}

// shapeChanges lists the differences between two shapes.
func shapeChanges(from, to classify.Shape) (all []change) {
	before, after := shapeFields(inOneWay(from)), shapeFields(inOneWay(to))
	for i, f := range before {
		if f.value != after[i].value {
			all = append(all, change{f.name, f.value, after[i].value})
		}
	}
	return all
}

// bracketed matches a name in brackets that could follow a point.
var bracketed = regexp.MustCompile(`\['([A-Za-z_][A-Za-z0-9_]*)'\]|\["([A-Za-z_][A-Za-z0-9_]*)"\]`)

// inOneWay returns a shape in its normal spelling.
func inOneWay(s classify.Shape) classify.Shape {
	each := func(in []string, f func(string) string) (out []string) {
		for _, text := range in {
			out = append(out, f(text))
		}
		return out
	}
	path := func(text string) string {
		if name, ok := strings.CutPrefix(text, "header:"); ok {
			return "header:" + http.CanonicalHeaderKey(name)
		}
		return bracketed.ReplaceAllString(text, ".$1$2")
	}
	s.Code, s.Message, s.Data, s.TraceID = each(s.Code, path), each(s.Message, path), each(s.Data, path), each(s.TraceID, path)
	s.RetryAfter, s.IdempotencyKeys = each(withUnits(s.RetryAfter), func(text string) string {
		name, unit, _ := strings.Cut(text, " ")
		return strings.TrimRight(http.CanonicalHeaderKey(name)+" "+unit, " ")
	}), each(s.IdempotencyKeys, http.CanonicalHeaderKey)
	slices.Sort(s.IdempotencyKeys)
	slices.Sort(s.Success)
	return s
}

// shapeJSON returns the shape with the names of a file, for JSON; nil for the zero Shape.
func shapeJSON(s classify.Shape) map[string]any {
	if reflect.DeepEqual(s, classify.Shape{}) {
		return nil
	}
	all := map[string]any{}
	for i, f := range shapeFields(s) {
		if all[f.name] = reflect.ValueOf(filledShape(s)).Field(i).Interface(); f.name == "idempotent-for" {
			all[f.name] = s.IdempotentFor.Seconds()
		}
		if f.value == "none" && f.name != "success" {
			delete(all, f.name)
		}
	}
	return all
}
