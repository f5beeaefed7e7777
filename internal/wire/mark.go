package wire

// A Mark is an error that the program has declared to be retryable or not.
type Mark struct {
	Permanent bool
	Err       error
}

// Error returns the text of the marked error.
func (m *Mark) Error() string { return m.Err.Error() }

// Unwrap returns the marked error.
func (m *Mark) Unwrap() error { return m.Err }

// Rule returns the name of the mark in a verdict without another rule.
func (m *Mark) Rule() string {
	if m.Permanent {
		return "marked permanent"
	}
	return "marked transient"
}
