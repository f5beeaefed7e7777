package retry

import "time"

// epoch is what instants inside a call are measured from: reading a time.Since
// costs half of a time.Now, and a call that succeeds at once reads the clock
// for nothing else.
var epoch = time.Now()

// clock returns the monotonic time since epoch.
func clock() time.Duration { return time.Since(epoch) }
