package nexpay

// A mistake is an error of the caller's or of the answer's whose whole text is
// known beforehand, and so fit to be logged.
type mistake string

func (m mistake) Error() string { return string(m) }

// SafeError says so.
func (m mistake) SafeError() string { return string(m) }

// An unsent error is a mistake of the caller's that was found before anything
// was written. It is a type of its own because only where it is made is it
// known that nothing was: never make one of an answer.
type unsent string

func (u unsent) Error() string { return string(u) }

// SafeError says that the text is fit to be logged.
func (u unsent) SafeError() string { return string(u) }

// NotSent says to package classify that the request changed nothing, and that
// no repetition will help.
func (u unsent) NotSent() bool { return true }
