// Package reports has tests only: each is a case from a public bug report about
// another client, gateway or API, tried on this library. The comment at a test
// names the threads.
package reports
