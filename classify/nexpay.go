package classify

import "sync"

// Nexpay returns the catalog of the Nexpay API: its known codes, and the two ranges in
// which every code means a mistake in the request. Any other code is classified by the
// HTTP status.
func Nexpay() *Catalog { return nexpay() }

const (
	vendorDoc     = "vendor documentation"
	vendorExample = "vendor documentation, example answer"
	oldClients    = "older client tables"
	inferredRange = "inferred from the codes the vendor documents in this range"
)

// refused, locked and mistake make the three most common kinds of rule.
func refused(code, name, fix string) Rule {
	return Rule{Codes: code, Name: name, Fix: fix, Class: Fatal, Effect: NotApplied, Source: vendorDoc}
}

func locked(code, name, fix string) Rule {
	r := refused(code, name, fix)
	r.Lockout = true
	return r
}

func mistake(code, name, fix, source string) Rule {
	return Rule{Codes: code, Name: name, Fix: fix, Class: FixAndResend, Effect: NotApplied, Source: source}
}

var nexpay = sync.OnceValue(func() *Catalog {
	return must(NewCatalog("Nexpay",
		refused("10", "Missing API key", "Send the API key in the X-API-KEY header."),
		refused("20", "Missing nonce", "Send a nonce in the X-NONCE header."),
		refused("30", "Missing signature", "Sign the request and send the signature in the X-Signature header."),
		locked("40", "Invalid API key", "Check that the configured API key is complete and belongs to this environment."),
		Rule{Codes: "50", Name: "Nonce is not monotonous", Class: Resync, Effect: NotApplied, Source: vendorDoc,
			Fix: "Bring the nonce above every earlier one and resend; if it keeps happening, find out who else uses this key."},
		refused("60", "Nonce is not valid", "Send an integer below 2^53-2 as nonce: microseconds since 1970 fit, nanoseconds do not."),
		refused("70", "Wrong signature", "Check the API secret, and that the text signed has the path, field order and un-encoded body that are sent."),
		refused("80", "No permissions", "Give the API key the permission for this method, or use another key."),
		locked("90", "API key is not enabled", "Enable the API key in the account's settings."),
		locked("100", "API key locked", "Find out from the vendor why the API key was locked, and have it unlocked."),
		locked("110", "Invalid client state", "Ask the vendor about the account: it is closed or not yet approved."),
		locked("120", "Invalid API key state", "Create a new API key: this one was deleted."),
		locked("121", "Deprecated API key", "Regenerate the API key and configure the new one."),
		suspended("130", "Trading suspended", "Try again later; trading is suspended for now."),
		suspended("140", "REST API suspended", "Try again later; the API is suspended for now."),
		mistake("200", "Mandatory parameter missing", "Add the parameter that the message names.", oldClients),

		mistake("20000", "Payment identifier missing", "Send exactly one of clientPaymentId and externalPaymentId.", vendorDoc),
		mistake("20010", "Both payment identifiers given", "Send only one of clientPaymentId and externalPaymentId.", vendorDoc),
		mistake("20120", "Bad rescheduling time", "Choose an execution time that the documentation of rescheduling allows.", vendorDoc),
		mistake("30000", "Request error", "Change what the message complains of: the request is against the API's logic.", vendorDoc),
		mistake("30010", "Invalid request parameter", "Correct the parameter that the message or data names.", vendorDoc),
		mistake("30240", "Invalid cryptocurrency address", "Check the address, and that it belongs to the currency's network.", vendorExample),
		Rule{Codes: "20000..29999", Name: "Payment request refused", Class: FixAndResend, Effect: NotApplied, Source: inferredRange,
			Fix: "Correct the payment request as the message says."},
		Rule{Codes: "30000..39999", Name: "Request refused", Class: FixAndResend, Effect: NotApplied, Source: inferredRange,
			Fix: "Correct the request as the message says."},

		mistake("-32700", "Parse error", "Send a body in the form and encoding that the documentation asks for.", "inferred from JSON-RPC 2.0"),
		mistake("-32600", "Invalid Request", "Correct what data names, such as an unknown symbol.", vendorExample),
		mistake("-32601", "Method not found", "Check the path and the API version of the call.", "inferred from JSON-RPC 2.0"),
		mistake("-32602", "Invalid params", "Correct the parameters to what the documentation asks for.", "inferred from JSON-RPC 2.0"),
		Rule{Codes: "-32603", Name: "Internal error", Class: Retryable, Effect: Unknown, Source: vendorDoc,
			Fix: "Wait and send again; for a payment, look up first whether it was created."},
	))
})

// suspended makes a rule for a temporary state. Its source are tables that the vendor no
// longer publishes.
func suspended(code, name, fix string) Rule {
	return Rule{Codes: code, Name: name, Fix: fix, Class: Retryable, Effect: NotApplied, Source: oldClients}
}
