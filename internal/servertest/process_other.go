//go:build !unix

package servertest

import "errors"

// Servers are started on Unix systems only.
func (*server) house(string) error { return errNone }

func (*server) run(string, ...string) error   { return errNone }
func (*server) serve(string, ...string) error { return errNone }

// Pause is for Unix systems.
func (*server) Pause() error { return errors.ErrUnsupported }

// Resume is for Unix systems.
func (*server) Resume() error { return errors.ErrUnsupported }
