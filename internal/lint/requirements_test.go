package lint_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/long"
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
		"github.com/nexpay-go/resilience/policyfile",
		"github.com/spf13/cobra",
		"github.com/stretchr/testify",
		"golang.org/x/term",
		"gonum.org/v1/plot",
		"pgregory.net/rapid",
	},
	"durable/riverretry": {
		"github.com/jackc/pgx/v5",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/journal",
		"github.com/riverqueue/river",
		"github.com/riverqueue/river/riverdriver/riverpgxv5",
		"github.com/riverqueue/river/rivertype",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
	},
	"durable/temporalretry": {
		"github.com/nexpay-go/resilience",
		"github.com/stretchr/testify",
		"go.temporal.io/sdk",
		"go.uber.org/goleak",
	},
	"examples/cards": {
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/policyfile",
		"github.com/stretchr/testify",
	},
	"examples/fleet": {
		"github.com/jackc/pgx/v5",
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/examples/internal/lab",
		"github.com/nexpay-go/resilience/journal",
		"github.com/nexpay-go/resilience/keylease",
		"github.com/nexpay-go/resilience/keylease/redislease",
		"github.com/nexpay-go/resilience/keylease/sqllease",
		"github.com/nexpay-go/resilience/switchboard",
		"github.com/nexpay-go/resilience/switchboard/sqlboard",
		"github.com/redis/go-redis/v9",
		"github.com/stretchr/testify",
		"modernc.org/sqlite",
	},
	"examples/growth": {
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/journal",
		"github.com/stretchr/testify",
	},
	"examples/internal/lab": {
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/stretchr/testify",
		"golang.org/x/term",
		"gonum.org/v1/plot",
	},
	"examples/lanes": {
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/examples/internal/lab",
		"github.com/stretchr/testify",
		"gonum.org/v1/plot",
	},
	"examples/observe": {
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/promretry",
		"github.com/prometheus/client_golang",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
	},
	"examples/ownapi": {
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/policyfile",
		"github.com/stretchr/testify",
	},
	"examples/payout": {
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/examples/internal/lab",
		"github.com/nexpay-go/resilience/journal",
		"github.com/stretchr/testify",
	},
	"examples/peers": {
		"github.com/avast/retry-go/v5",
		"github.com/cenkalti/backoff/v5",
		"github.com/cenkalti/backoff/v6",
		"github.com/failsafe-go/failsafe-go",
		"github.com/hashicorp/go-retryablehttp",
		"github.com/nexpay-go/resilience",
		"github.com/sethvargo/go-retry",
		"github.com/sony/gobreaker/v2",
		"github.com/stretchr/testify",
	},
	"examples/sdks": {
		"github.com/Azure/azure-sdk-for-go/sdk/azcore",
		"github.com/aws/aws-sdk-go-v2",
		"github.com/aws/aws-sdk-go-v2/service/sts",
		"github.com/aws/smithy-go",
		"github.com/google/go-github/v93",
		"github.com/nexpay-go/resilience",
		"github.com/slack-go/slack",
		"github.com/stretchr/testify",
		"github.com/stripe/stripe-go/v85",
		"github.com/twilio/twilio-go",
		"google.golang.org/api",
	},
	"examples/storm": {
		"github.com/cenkalti/backoff/v5",
		"github.com/failsafe-go/failsafe-go",
		"github.com/jedib0t/go-pretty/v6",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/examples/internal/lab",
		"github.com/sony/gobreaker/v2",
		"github.com/stretchr/testify",
		"gonum.org/v1/plot",
		"pgregory.net/rapid",
	},
	"grpcretry": {
		"github.com/nexpay-go/resilience",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
		"google.golang.org/genproto/googleapis/rpc",
		"google.golang.org/grpc",
		"google.golang.org/protobuf",
	},
	"journal": {
		"github.com/jackc/pgx/v5",
		"github.com/lib/pq",
		"github.com/nexpay-go/resilience",
		"github.com/stretchr/testify",
		"go.etcd.io/bbolt",
		"go.uber.org/goleak",
		"golang.org/x/sys",
		"modernc.org/sqlite",
	},
	"keylease": {
		"github.com/nexpay-go/resilience",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
		"pgregory.net/rapid",
	},
	"keylease/redislease": {
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/keylease",
		"github.com/redis/go-redis/v9",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
	},
	"keylease/sqllease": {
		"github.com/jackc/pgx/v5",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/keylease",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
		"modernc.org/sqlite",
	},
	"otelretry": {
		"github.com/nexpay-go/resilience",
		"github.com/prometheus/client_golang",
		"github.com/stretchr/testify",
		"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp",
		"go.opentelemetry.io/otel",
		"go.opentelemetry.io/otel/exporters/prometheus",
		"go.opentelemetry.io/otel/metric",
		"go.opentelemetry.io/otel/sdk",
		"go.opentelemetry.io/otel/sdk/metric",
		"go.opentelemetry.io/otel/trace",
		"go.uber.org/goleak",
	},
	"policyfile": {
		"github.com/nexpay-go/resilience",
		"github.com/santhosh-tekuri/jsonschema/v6",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
		"go.yaml.in/yaml/v3",
		"pgregory.net/rapid",
	},
	"promretry": {
		"github.com/VictoriaMetrics/metricsql",
		"github.com/nexpay-go/resilience",
		"github.com/prometheus/client_golang",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
		"go.yaml.in/yaml/v3",
	},
	"switchboard": {
		"github.com/nexpay-go/resilience",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
	},
	"switchboard/redisboard": {
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/switchboard",
		"github.com/redis/go-redis/v9",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
	},
	"switchboard/sqlboard": {
		"github.com/jackc/pgx/v5",
		"github.com/nexpay-go/resilience",
		"github.com/nexpay-go/resilience/switchboard",
		"github.com/stretchr/testify",
		"go.uber.org/goleak",
		"modernc.org/sqlite",
	},
}

// version is the one that all modules are published with next, and require of
// each other: go.work replaces it by the folders here. See docs/releasing.md.
const version = "v0.1.0"

// requirements holds the go.mod of a folder to mayRequire. A replacement would
// hold for that module only, and not for those who use it.
func requirements(t *testing.T, file, folder string) (found []string) {
	t.Helper()
	var mod struct {
		Module  struct{ Path string }
		Require []struct {
			Path, Version string
			Indirect      bool
		}
		Replace []any
	}
	require.NoError(t, json.Unmarshal(run(t, "mod", "edit", "-json", file), &mod))
	direct := []string{}
	for _, r := range mod.Require {
		if !r.Indirect {
			direct = append(direct, r.Path)
		}
		if ours(r.Path) && r.Version != version {
			found = append(found, fmt.Sprintf("it requires %s %s and not %s", r.Path, r.Version, version))
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

// ours reports whether a module is of this repository.
func ours(path string) bool { return path == module || strings.HasPrefix(path, module+"/") }

// workspaces are the folders with a go.work, each with those of its modules. One that
// is large to compile has its own, so that nobody waits for it who works on another.
func workspaces() map[string][]string {
	const apart = "examples/sdks"
	var together []string
	for folder := range mayRequire {
		if folder != apart {
			together = append(together, folder)
		}
	}
	slices.Sort(together)
	return map[string][]string{".": together, apart: {apart}}
}

// A clone builds with nothing published: what modules require of each other is
// here.
func TestWorkspaceHasWhatItsModulesRequire(t *testing.T) {
	atRoot(t)
	t.Parallel()
	for at, folders := range workspaces() {
		var work struct {
			Use     []struct{ DiskPath string }
			Replace []struct {
				Old, New struct{ Path, Version string }
			}
		}
		require.NoError(t, json.Unmarshal(run(t, "work", "edit", "-json", filepath.Join(at, "go.work")), &work))
		var used []string
		for _, u := range work.Use {
			used = append(used, path.Join(at, u.DiskPath))
		}
		slices.Sort(used)
		require.Equal(t, folders, used)
		replaced, required := map[string]string{}, map[string]string{}
		for _, r := range work.Replace {
			require.Empty(t, r.New.Version)
			replaced[r.Old.Path+" "+r.Old.Version] = path.Join(at, r.New.Path)
		}
		for _, folder := range folders {
			for _, p := range slices.DeleteFunc(slices.Clone(mayRequire[folder]), func(p string) bool { return !ours(p) }) {
				required[p+" "+version] = path.Join(".", strings.TrimPrefix(p, module))
			}
		}
		require.Equal(t, required, replaced)
	}
}

func TestRequirementsBite(t *testing.T) {
	atRoot(t)
	t.Parallel()
	for folder := range mayRequire {
		if folder != "." && folder != "keylease/sqllease" && !long.Tests() {
			continue
		}
		good, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		require.NoError(t, err)
		for added, want := range map[string]int{
			"": 0,
			"require example.org/a v1.0.0 // indirect":             0,
			"require example.org/a v1.0.0":                         1,
			"replace example.org/a => ./a":                         1,
			"require " + module + "/a v0.0.0 // indirect":          1,
			"require " + module + "/a " + version + " // indirect": 0,
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
