// Package story has the tests that take everything together: a client, a lane, a
// breaker and a bank that answers, delays, refuses and loses over real HTTP. Each code
// of the vendor's table gets what it asks for, and the runbook shows what is really
// printed.
package story
