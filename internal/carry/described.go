package carry

// A Described context is that of an adapter which can say what its call is, for events,
// observers and logs. As with a [Waiter], contexts made from it are not.
type Described interface {
	// Describe returns the name of the call, its method and its host. It is called only
	// where somebody listens, any number of times. All three are fit to be logged.
	Describe() (name, method, host string)
	// Endpoint is for warnings: that of a call is known.
	Endpoint() string
}
