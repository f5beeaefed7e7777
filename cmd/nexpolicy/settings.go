package main

import (
	"cmp"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/retry"
)

// filledBreaker fills in the defaults of a configuration: an omitted field and its
// default are the same.
func filledBreaker(c breaker.Config) breaker.Config {
	c.ConsecutiveFailures = cmp.Or(c.ConsecutiveFailures, 6)
	c.FailureRatio = cmp.Or(c.FailureRatio, 0.5)
	c.MinCalls = cmp.Or(c.MinCalls, 20)
	c.Window = cmp.Or(c.Window, 30*time.Second)
	c.OpenFor = cmp.Or(c.OpenFor, 3*time.Second)
	c.MaxOpenFor = cmp.Or(c.MaxOpenFor, max(6*time.Second, min(2*c.OpenFor, 24*time.Hour)))
	c.Probes = cmp.Or(c.Probes, 1)
	c.ProbeTimeout = cmp.Or(c.ProbeTimeout, 10*time.Second)
	c.SlowCall = cmp.Or(c.SlowCall, policy.None)
	if c.FailureRatio < 0 { // only the ratio uses these
		c.MinCalls, c.Window = 0, 0
	}
	return c
}

// filledBudget fills in the defaults of a budget.
func filledBudget(c retry.BudgetConfig) retry.BudgetConfig {
	c.Capacity = cmp.Or(c.Capacity, 100)
	c.Deposit = cmp.Or(c.Deposit, 1)
	c.FullIn = cmp.Or(c.FullIn, 5*time.Minute)
	return c
}

// fields lists the fields in which two configurations differ. A number without a
// consequence is zero; the field that disables it is listed.
func fields[T breaker.Config | retry.BudgetConfig](from, to T) (all []change) {
	before, after := reflect.ValueOf(from), reflect.ValueOf(to)
	for i := range before.NumField() {
		f := before.Type().Field(i)
		if f.Type.Kind() == reflect.Func || f.Type.Kind() != reflect.Bool && f.Type.Kind() != reflect.Uint8 && (before.Field(i).IsZero() || after.Field(i).IsZero()) {
			continue
		}
		if b, a := shown(before.Field(i)), shown(after.Field(i)); b != a {
			all = append(all, change{fieldName(f.Name), b, a})
		}
	}
	return all
}

var capital = regexp.MustCompile(`\B[A-Z]`)

// fieldName returns the name of a field in a file: open-for for OpenFor.
func fieldName(name string) string {
	return strings.ToLower(capital.ReplaceAllString(name, "-$0"))
}

func shown(v reflect.Value) string {
	if d, ok := v.Interface().(time.Duration); ok {
		return orNone(d)
	}
	if v.CanInt() && v.Int() <= 0 || v.CanFloat() && v.Float() < 0 {
		return "none"
	}
	return fmt.Sprint(v.Interface())
}
