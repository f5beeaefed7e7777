//go:build !race

package nonce_test

const raceDetector = false
