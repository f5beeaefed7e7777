package resilience_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
)

// mayRequire lists the direct requirements of each go.mod by its folder. Of the
// core the last three are for tests; of journal all but itself, bbolt and x/sys,
// which bbolt requires too.
var mayRequire = map[string][]string{
	".": {
		"github.com/cenkalti/backoff/v4",
		"github.com/sony/gobreaker/v2",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
		"pgregory.net/rapid",
	},
	"cmd/nexpolicy": {
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/policy/policyfile",
		"github.com/spf13/cobra",
		"github.com/stretchr/testify",
		"golang.org/x/term",
		"gonum.org/v1/plot",
		"pgregory.net/rapid",
	},
	"examples/lanes": {
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/stretchr/testify",
		"gonum.org/v1/plot",
	},
	"examples/payout": {
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/journal",
		"github.com/stretchr/testify",
		"golang.org/x/term",
	},
	"examples/storm": {
		"github.com/cenkalti/backoff/v5",
		"github.com/failsafe-go/failsafe-go",
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/sony/gobreaker/v2",
		"github.com/stretchr/testify",
		"gonum.org/v1/plot",
		"pgregory.net/rapid",
	},
	"journal": {
		"github.com/jackc/pgx/v5",
		"github.com/nexpay-go/resilience",
		"github.com/stretchr/testify",
		"go.etcd.io/bbolt",
		"go.uber.org/goleak",
		"golang.org/x/sys",
		"modernc.org/sqlite",
	},
	"policy/policyfile": {
		"github.com/nexpay-go/resilience",
		"github.com/santhosh-tekuri/jsonschema/v6",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
		"go.yaml.in/yaml/v3",
		"pgregory.net/rapid",
	},
}

// requirements holds the go.mod of a folder to mayRequire. A replacement would
// hold for that module only, and not for those who use it.
func requirements(t *testing.T, file, folder string) (found []string) {
	t.Helper()
	var mod struct {
		Module  struct{ Path string }
		Require []struct {
			Path     string
			Indirect bool
		}
		Replace []any
	}
	require.NoError(t, json.Unmarshal(run(t, "mod", "edit", "-json", file), &mod))
	direct := []string{}
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
	}
	if mod.Module.Path != path.Join(module, folder) {
		found = append(found, "the module is "+mod.Module.Path)
	}
	if slices.Sort(direct); !slices.Equal(mayRequire[folder], direct) {
		found = append(found, fmt.Sprintf("it requires %v", direct))
	}
	if len(mod.Replace) > 0 {
		found = append(found, "it replaces modules")
	}
	return found
}

func TestRequirementsBite(t *testing.T) {
	t.Parallel()
	for folder := range mayRequire {
		good, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		require.NoError(t, err)
		for added, want := range map[string]int{
			"": 0,
			"require example.org/a v1.0.0 // indirect": 0,
			"require example.org/a v1.0.0":             1,
			"replace example.org/a => ./a":             1,
		} {
			file := filepath.Join(t.TempDir(), "go.mod")
			require.NoError(t, os.WriteFile(file, append(slices.Clone(good), added...), 0o600))
			require.Len(t, requirements(t, file, folder), want, added)
		}
	}
	file := filepath.Join(t.TempDir(), "go.mod")
	require.NoError(t, os.WriteFile(file, []byte("module example.org/a\n"), 0o600))
	require.Len(t, requirements(t, file, "."), 2)
}
