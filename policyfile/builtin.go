package policyfile

import (
	"embed"
	"fmt"
	"strings"
	"sync"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
)

//go:embed catalogs/*.yaml
var catalogs embed.FS

// Builtins returns a new slice of the names of the built-in tables, in alphabetical
// order.
func Builtins() []string {
	entries, _ := catalogs.ReadDir("catalogs") // it exists, and a test reads it
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// Builtin returns a built-in table as a file, to read it or to start from it. It returns
// false if there is no table of that name.
func Builtin(name string) ([]byte, bool) {
	data, err := catalogs.ReadFile("catalogs/" + name + ".yaml")
	return data, err == nil
}

var builtinSets sync.Map // by name, the tables that were read

// sqlState is the name of the table that is made in Go: only its catalog calls SQLState()
// on errors.
const sqlState = "sqlstate"

func builtinSet(name string) *policy.Set {
	if set, ok := builtinSets.Load(name); ok {
		return set.(*policy.Set)
	}
	set, err := readBuiltin(name)
	if err != nil {
		panic(fmt.Sprintf("policyfile: built-in table %s: %v", name, err)) // a test reads all of them
	}
	builtinSets.Store(name, set)
	return set
}

func readBuiltin(name string) (*policy.Set, error) {
	if name == sqlState {
		return policy.New(policy.Table{Name: name, Catalog: classify.SQLState()})
	}
	data, _ := Builtin(name)
	f, err := Parse(name, data)
	if err != nil {
		return nil, err
	}
	return f.Policies, nil
}
