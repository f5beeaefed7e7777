//go:build race

package oracle_test

// Fewer here: the race detector makes all ten times as slow.
const ordinary, ordinaryHostile = 1_000, 200

const raceEnabled = true
