//go:build !unix

package riverretry_test

// start starts none: these tests know how on a Unix system only.
func (*server) start() error { return errNoServer }
