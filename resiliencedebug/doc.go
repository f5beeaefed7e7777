// Package resiliencedebug is a page for the person who is woken at three in the
// morning. It shows what is wrong now, the state of breakers, keys, budgets and calls,
// which payments are in doubt and what to do about them, and what is done about an error
// code that you enter.
//
//	page, err := resiliencedebug.New(resiliencedebug.Config{
//		Retriers: map[string]*retry.Retrier{"nexpay": r},
//	})
//	…
//	mux.Handle("/debug/resilience", requireLogin(page))
//
// It is plain HTML that works without scripts. A small script of its own refreshes it
// every three seconds. ?format=json gives the same as JSON.
//
// The page names keys (never their secrets), breakers, operations and trace ids, so it
// is for people who may see logs. It does no authentication and registers itself nowhere:
// mount it behind what protects your other internal pages. It shows no request data: no
// query, header or body, and no text of an error that might contain any.
//
// With [Config].Actions a person may also unlock a key and isolate or reset a breaker.
//
// docs/observe-page.md explains each section, and lists the fields of the JSON.
package resiliencedebug
