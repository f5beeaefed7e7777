package wire

// A Mark is an error of which the program itself has said whether it is worth sending
// again.
type Mark struct {
	Permanent bool
	Err       error
}

// Error is the text of the error that is marked.
func (m *Mark) Error() string { return m.Err.Error() }

// Unwrap returns the error that is marked.
func (m *Mark) Unwrap() error { return m.Err }

// Rule names the mark in a verdict, where nothing else does.
func (m *Mark) Rule() string {
	if m.Permanent {
		return "marked permanent"
	}
	return "marked transient"
}
