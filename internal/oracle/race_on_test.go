//go:build race

package oracle_test

// ordinary is less here: the race detector makes all ten times as slow.
const ordinary = 2_000
