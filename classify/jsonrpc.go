package classify

import "sync"

// JSONRPC returns the catalog of the five codes that the JSON-RPC 2.0 specification
// defines. It reads single and batch answers as the specification describes them, and
// errors with a method ErrorCode() int.
//
// The codes -32000 to -32099 have no rule on purpose: the specification leaves their
// meaning to each server. Add the rules of your server with [Catalog.With].
func JSONRPC() *Catalog { return jsonrpc() }

var jsonrpc = sync.OnceValue(func() *Catalog {
	const source = "JSON-RPC 2.0 specification, section 5.1"
	c := must(NewCatalog("JSON-RPC", []Rule{
		{Codes: "-32700", Name: "Parse error", Class: FixAndResend, Effect: NotApplied, Source: source,
			Fix: "Send well-formed JSON."},
		{Codes: "-32600", Name: "Invalid Request", Class: FixAndResend, Effect: NotApplied, Source: source,
			Fix: "Send a valid request object: jsonrpc, method, params and id."},
		{Codes: "-32601", Name: "Method not found", Class: FixAndResend, Effect: NotApplied, Source: source,
			Fix: "Call a method that the server offers; check its spelling and the API version."},
		{Codes: "-32602", Name: "Invalid params", Class: FixAndResend, Effect: NotApplied, Source: source,
			Fix: "Correct the parameters to what the method's documentation asks for."},
		{Codes: "-32603", Name: "Internal error", Class: Retryable, Effect: Unknown, Source: source,
			Fix: "Wait and send again; whether the call took effect is not known."},
	}...))
	return must(c.WithShape(Shape{
		Code:    []string{"$.error.code", "$[*].error.code"},
		Message: []string{"$.error.message", "$[*].error.message"},
		Data:    []string{"$.error.data", "$[*].error.data"},
	}))
})

// must panics on an error of a table in this package; the tests prove that there is none.
func must(c *Catalog, err error) *Catalog {
	if err != nil {
		panic(err)
	}
	return c
}
