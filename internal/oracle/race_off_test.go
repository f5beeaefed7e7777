//go:build !race

package oracle_test

// ordinary is how many schedules every run of the tests goes through.
const ordinary = 20_000
