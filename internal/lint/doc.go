// Package lint holds the source and the documentation of all modules to the rules
// of the house: which package may import which, what a go.mod may require, that
// every export is documented and names nobody else's types, that pages show code that
// runs and links that lead somewhere. They are its tests; they run at the root of the
// repository.
package lint
