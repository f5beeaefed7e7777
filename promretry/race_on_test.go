//go:build race

package promretry_test

const raceEnabled = true
