//go:build !unix

package sqllease_test

// start starts none: these tests know how on a Unix system only.
func (*server) start() error { return errNoServer }
