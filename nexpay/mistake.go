package nexpay

// A mistake is an error of the caller or of the answer. Its text is constant, and so
// safe to log.
type mistake string

func (m mistake) Error() string { return string(m) }

// SafeError returns the text, which is safe to log.
func (m mistake) SafeError() string { return string(m) }

// An unsent error is a mistake of the caller that was found before anything was
// written. It has its own type because only the code that returns it knows that
// nothing was written: never use it for an answer.
type unsent string

func (u unsent) Error() string { return string(u) }

// SafeError returns the text, which is safe to log.
func (u unsent) SafeError() string { return string(u) }

// NotSent tells package classify that the request changed nothing and that a retry
// does not help.
func (u unsent) NotSent() bool { return true }
