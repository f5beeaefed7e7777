//go:build !unix

package main

import "time"

// spent is the time that has passed: measure on a machine that is quiet.
func spent() time.Duration { return elapsed() }
