package nexpay

// A mistake is an error of the caller's or of the answer's whose whole text is
// known beforehand, and so fit to be logged.
type mistake string

func (m mistake) Error() string { return string(m) }

// SafeError says so.
func (m mistake) SafeError() string { return string(m) }
