package classify

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Undecodable marks err as "the server said 2xx, but I cannot read what it said":
// [Retryable], and [Unknown] whether the call took effect. The result wraps err.
// Undecodable(nil) is nil.
//
// Its text tells what kind of error it was and where, but not what err says:
// decoders quote what they read.
func Undecodable(err error) error {
	if err == nil {
		return nil
	}
	return &undecodable{err: err}
}

type undecodable struct {
	status int // 0 if not known
	err    error
}

func (u *undecodable) Error() string {
	text := "unreadable answer: " + describe(u.err)
	if u.status != 0 {
		return fmt.Sprintf("HTTP %d: %s", u.status, text)
	}
	return text
}

// SafeError says that this text is fit to be logged.
func (u *undecodable) SafeError() string { return u.Error() }

// GoString keeps %#v from printing what the cause holds.
func (u *undecodable) GoString() string { return u.Error() }

func (u *undecodable) Unwrap() error { return u.err }

// A fault is what ReadJSON finds wrong by itself; its text is ours.
type fault string

func (f fault) Error() string { return string(f) }

// describe tells of an error what cannot hold a part of the body.
func describe(err error) string {
	if _, ours := err.(fault); ours || err == io.EOF || err == io.ErrUnexpectedEOF {
		return err.Error()
	}
	if e, ok := errors.AsType[interface {
		error
		SafeError() string
	}](err); ok {
		return e.SafeError()
	}
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf("not JSON, at offset %d", e.Offset)
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok { // its Field can hold keys of the body
		return fmt.Sprintf("value at offset %d does not fit a %v", e.Offset, e.Type)
	}
	return fmt.Sprintf("%T", err)
}
