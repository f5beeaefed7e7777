package lint_test

import (
	"slices"
	"strings"
)

// mayImport lists every package, those of nested modules too, with what it may
// import besides the standard library, so that imports point one way and a dependency serves one package.
// Programs under examples may import anything.
var mayImport = map[string][]string{
	".":               {},
	"classify":        {"internal/carry", "internal/codes", "internal/echo", "internal/errtree", "internal/wire"},
	"policy":          {"classify", "internal/codes", "github.com/cenkalti/backoff/v4"},
	"breaker":         {"internal/codes", "internal/hook", "internal/text", "github.com/sony/gobreaker/v2"},
	"nonce":           {"internal/carry", "internal/hook", "internal/text", "internal/wallclock"},
	"nonce/noncetest": {"nonce"},
	"retry": {"breaker", "classify", "internal/carry", "internal/errtree", "internal/gate", "internal/hook", "internal/insist",
		"internal/proof", "internal/protocol", "internal/redact", "internal/text", "internal/wire", "nonce", "policy"},
	"retry/journaltest":    {"retry"},
	"retry/retryhttp":      {"classify", "internal/carry", "internal/echo", "internal/errtree", "internal/wire", "retry"},
	"resiliencedebug":      {"breaker", "classify", "internal/hook", "internal/protocol", "internal/redact", "internal/text", "nonce", "policy", "retry"},
	"nexpay":               {"classify", "internal/echo", "internal/text", "internal/wire", "nonce"},
	"nexpay/nexpaytest":    {"classify", "nexpay"},
	"internal/carry":       {},
	"internal/certificate": {"internal/errtree"},
	"internal/codes":       {},
	"internal/echo":        {},
	"internal/engine":      {"breaker", "internal/errtree", "retry"},
	"internal/errtree":     {},
	"internal/gate":        {},
	"internal/hook":        {},
	"internal/insist":      {"internal/errtree"},
	"internal/lint":        {},
	"internal/long":        {},
	"internal/mutants":     {},
	"internal/oracle":      {},
	"internal/proof":       {"classify", "internal/carry", "internal/errtree", "internal/protocol", "internal/wire"},
	"internal/protocol":    {},
	"internal/reports":     {},
	"internal/refusing":    {},
	"internal/redact":      {"internal/certificate", "internal/codes", "internal/errtree", "internal/text", "internal/wire"},
	"internal/servertest":  {},
	"internal/spelling":    {},
	"internal/story":       {},
	"internal/text":        {},
	"internal/wallclock":   {},
	"internal/wire":        {"internal/carry", "internal/certificate", "internal/errtree", "internal/text"},

	"cmd/nexpolicy": {"breaker", "classify", "internal/spelling", "policy", "policyfile", "retry", "github.com/jedib0t/go-pretty/v6/table",
		"github.com/jedib0t/go-pretty/v6/text", "github.com/spf13/cobra", "golang.org/x/term", "gonum.org/v1/plot", "gonum.org/v1/plot/font",
		"gonum.org/v1/plot/plotter", "gonum.org/v1/plot/text", "gonum.org/v1/plot/vg", "gonum.org/v1/plot/vg/draw", "gonum.org/v1/plot/vg/vgsvg"},
	"policyfile": {"breaker", "classify", "internal/spelling", "policy", "retry", "go.yaml.in/yaml/v3"},

	"keylease":                    {"internal/hook", "internal/wallclock", "nonce"},
	"keylease/keyleasetest":       {"keylease"},
	"keylease/redislease":         {"keylease"},
	"keylease/sqllease":           {"keylease"},
	"switchboard":                 {"breaker", "internal/hook", "internal/text"},
	"switchboard/switchboardtest": {"breaker", "switchboard"},
	"switchboard/redisboard":      {"breaker", "switchboard"},
	"switchboard/sqlboard":        {"switchboard"},

	"durable/riverretry":    {"internal/engine", "retry", "github.com/riverqueue/river"},
	"durable/temporalretry": {"internal/engine", "retry", "go.temporal.io/sdk/activity", "go.temporal.io/sdk/temporal"},

	"grpcretry": {"classify", "internal/carry", "internal/echo", "internal/text", "internal/wire", "policy", "retry",
		"google.golang.org/genproto/googleapis/rpc/errdetails", "google.golang.org/grpc", "google.golang.org/grpc/codes", "google.golang.org/grpc/credentials/insecure",
		"google.golang.org/grpc/metadata", "google.golang.org/grpc/peer", "google.golang.org/grpc/status",
		"google.golang.org/protobuf/encoding/protojson", "google.golang.org/protobuf/proto",
		"google.golang.org/protobuf/reflect/protoreflect", "google.golang.org/protobuf/reflect/protoregistry",
		"google.golang.org/protobuf/types/descriptorpb", "google.golang.org/protobuf/types/known/anypb"},

	"internal/metrics":             {"breaker", "classify", "internal/hook", "internal/text", "nonce", "retry"},
	"internal/metrics/metricstest": {"breaker", "classify", "nonce", "policy", "retry"},
	"otelretry": {"internal/metrics", "retry", "go.opentelemetry.io/otel", "go.opentelemetry.io/otel/attribute", "go.opentelemetry.io/otel/metric",
		"go.opentelemetry.io/otel/trace"},
	"promretry": {"internal/metrics", "retry", "github.com/prometheus/client_golang/prometheus"},

	"journal": {},
	"journal/boltjournal": {"journal/internal/entry", "journal/internal/failure", "retry", "go.etcd.io/bbolt", "go.etcd.io/bbolt/errors",
		"golang.org/x/sys/unix"},
	"journal/sqljournal":       {"journal/internal/entry", "journal/internal/failure", "retry"},
	"journal/internal/entry":   {"journal/internal/failure", "retry"},
	"journal/internal/failure": {},
}

// standard reports whether an import path is that of the standard library, whose
// first element never has a dot. cgo is no part of it.
func standard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".") && path != "C"
}

func importDirection(tr *tree) (found []string) {
	for _, f := range tr.files {
		if f.test || strings.HasPrefix(f.folder, "examples/") {
			continue
		}
		allowed, known := mayImport[f.folder]
		if !known {
			found = append(found, tr.complaint(f.Name, "folder %s is in no list of packages", f.folder))
		}
		for _, spec := range f.Imports {
			imported := strings.TrimPrefix(text(spec.Path), module+"/")
			if !standard(text(spec.Path)) && !slices.Contains(allowed, imported) {
				found = append(found, tr.complaint(spec, "%s may not import %s", f.folder, imported))
			}
		}
	}
	return found
}
