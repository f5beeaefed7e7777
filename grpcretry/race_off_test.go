//go:build !race

package grpcretry_test

const raceEnabled = false
