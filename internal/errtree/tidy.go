package errtree

// Tidy returns err, or one in words of ours if err is, or holds, a nil pointer: any
// method of that may panic, and looking into an error is how it is judged.
func Tidy(err error) error {
	if err == nil {
		return nil
	}
	if kind, found := NilPointer(err); found {
		return &NilError{kind}
	}
	return err
}

// A NilError stands for an error that is a nil pointer of that type, or holds one.
type NilError struct{ Kind string }

// Error names the type.
func (e *NilError) Error() string { return "an error that is a nil " + e.Kind }

// SafeError says that this text is fit to be logged.
func (e *NilError) SafeError() string { return e.Error() }
