//go:build race

package nonce_test

const raceDetector = true // allocates of its own accord
