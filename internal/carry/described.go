package carry

// Described is implemented by the context of an adapter that can describe its call, for
// events, observers and logs. As with a [Waiter], a context derived from it does not.
type Described interface {
	// Describe returns the name of the call, its method and its host. It is called only if
	// there is an observer, any number of times. All three are safe to log.
	Describe() (name, method, host string)
	// Endpoint returns the endpoint for warnings that are not about one call.
	Endpoint() string
}
