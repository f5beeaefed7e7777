//go:build !race

package oracle_test

// How many schedules, and hostile ones, every run of the tests goes through.
const ordinary, ordinaryHostile = 5_000, 2_000

const raceEnabled = false
