// Package policyfile reads the error codes of an API and the policies for them from a
// YAML or JSON file, which operators can read, check and change.
//
//	f, err := policyfile.Load("policies.yaml")
//	…
//	r, err := retry.New(retry.Config{Policies: f.Policies})
//
// A file may extend a built-in table (extends: http; see [Builtins]) and change parts of
// it, or define everything itself. It can also describe where the answers of the API have
// their code, message and trace id, so that f.Policies.Catalog() can read them. Of the
// file and the table that it extends, the more specific setting wins; if both are equally
// specific, the file wins. All mistakes in a file are reported at once, with line, column
// and advice: see [*Error]. [Watch] reloads a file when it changes, for
// retry.Retrier.Reload.
//
// The command "nexpolicy init" writes a file to start from. docs/your-api.md leads from
// there to a client and its test. docs/policies.md describes everything that a file can
// contain, and schema.json lets editors complete and check it. The package is a module of
// its own.
package policyfile
