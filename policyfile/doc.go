// Package policyfile reads what the codes of an API mean, and what to do about
// them, from a file in YAML or JSON that operators can read, check and change.
//
//	f, err := policyfile.Load("policies.yaml")
//	…
//	r, err := retry.New(retry.Config{Policies: f.Policies})
//
// A file may start from a table that comes with the library (extends: http, see
// [Builtins]) and change a few things, or say all there is: also where the answers of
// an API keep code, message and trace id, so that f.Policies.Catalog() reads them. Of
// file and table the more special place wins, and of two that are as special the
// file. Every mistake in it is reported at once, with line and column and what would
// be right: an [*Error]. [Watch] follows a file and hands over what it says now, for
// retry.Retrier.Reload.
//
// The command "nexpolicy init" writes a file to begin with, docs/your-api.md goes from
// there to a client and its test, docs/policies.md tells all that a file can say;
// schema.json lets editors complete and check it. The package is in a module of its own.
package policyfile
