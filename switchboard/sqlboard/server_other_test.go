//go:build !unix

package sqlboard_test

// start starts none: these tests know how on a Unix system only.
func (*server) start() error { return errNoServer }
