package policyfile_test

import (
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/policy"
	"github.com/nexpay-go/resilience/policyfile"
)

var update = flag.Bool("update", false, "write what the tests compare with")

// written is a catalog as a file.
func written(head string, c *classify.Catalog, tail string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%sname: %s\n%srules:\n", head, c.Name(), tail)
	for _, r := range c.Rules() {
		code := r.Codes
		if len(code) > 1 && code[0] == '0' { // which YAML takes for another number
			code = strconv.Quote(code)
		}
		fmt.Fprintf(&b, "  - code: %s\n", code)
		for _, f := range [][2]string{
			{"name", r.Name}, {"class", strings.ReplaceAll(r.Class.String(), " ", "-")}, {"effect", strings.ReplaceAll(r.Effect.String(), " ", "-")},
			{"fix", r.Fix}, {"source", r.Source},
		} {
			if f[1] != "" && f[1] != "unknown" {
				quoted, _ := yaml.Marshal(f[1])
				fmt.Fprintf(&b, "    %s: %s", f[0], strings.ReplaceAll(string(quoted), "\n    ", " "))
			}
		}
		if r.Lockout {
			b.WriteString("    lockout: true\n")
		}
	}
	return b.String()
}

const jsonrpcTail = `answer: # one, or a batch of them
  code: [$.error.code, "$[*].error.code"]
  message: [$.error.message, "$[*].error.message"]
  data: [$.error.data, "$[*].error.data"]
`

const nexpayTail = `attempt-timeout: 10s # a silent server would hold the key's turn
codes: # a suspension is a state, not a blip
  130: {attempts: 1, breaker: trip}
  140: {attempts: 1, breaker: trip}
`

// The tables of the program, written out, load to exactly what the program has.
func TestBuiltinTablesAreThoseOfTheProgram(t *testing.T) {
	jsonrpc, err := policy.New(policy.Table{Catalog: classify.JSONRPC()})
	require.NoError(t, err)
	for name, tt := range map[string]struct {
		set  *policy.Set
		text string
	}{
		"nexpay": {policy.Nexpay(), written("# The Nexpay API, as classify.Nexpay() and policy.Nexpay() have it; a test keeps them the same.\n", classify.Nexpay(), nexpayTail)},
		"jsonrpc": {jsonrpc, written("# JSON-RPC 2.0, as classify.JSONRPC() has it; a test keeps them the same.\n"+
			"# From https://www.jsonrpc.org/specification (5.1, Error object; last revised 2013-01-04).\n", classify.JSONRPC(), jsonrpcTail)},
	} {
		t.Run(name, func(t *testing.T) {
			if *update {
				require.NoError(t, os.WriteFile("catalogs/"+name+".yaml", []byte(tt.text), 0o644))
			}
			data, ok := policyfile.Builtin(name)
			require.True(t, ok)
			require.Equal(t, tt.text, string(data), "run go test -update")
			f, err := policyfile.Parse(name, data)
			require.NoError(t, err)
			same(t, tt.set, f.Policies)
			require.Zero(t, f.Breaker)
			require.Zero(t, f.Budget)

			f, err = policyfile.Parse("extended", []byte("extends: "+name+"\n"))
			require.NoError(t, err)
			same(t, tt.set, f.Policies)
		})
	}
}

// What is more special wins, be it in the file or in the table that it extends; of two that are as special the file's.
func TestWhichTableWins(t *testing.T) {
	f, err := policyfile.Parse("mine.yaml", []byte("extends: nexpay\ndefault: {attempts: 7, breaker: ignored, cost: 2}\nclasses: {retryable: {cost: 3}}\nstatuses: {429: {cost: 4}}\ncodes: {140: {attempts: 5}}\n"))
	require.NoError(t, err)
	of := func(code classify.Code, status int) policy.Policy {
		return f.Policies.For(classify.Verdict{Class: classify.Retryable, Code: code, Status: status})
	}
	require.Equal(t, 1, of("130", 0).MaxAttempts, "what the table says of a code, not the default of the file")
	require.Equal(t, policy.Trip, of("130", 0).Breaker)
	require.Equal(t, 5, of("140", 0).MaxAttempts, "what the file says of a code")
	require.Equal(t, policy.Trip, of("140", 0).Breaker, "field by field")
	require.Equal(t, 7, of("-32603", 0).MaxAttempts)
	require.Equal(t, 3, of("130", 0).Cost)
	require.Equal(t, 4, of("130", 429).Cost)
	require.Equal(t, policy.Ignored, of("-32603", 0).Breaker, "the default of the file, not what the library does about a class")
	require.Equal(t, policy.Origin{Field: "MaxAttempts", Place: "Codes", Layer: 1, Table: "nexpay"}, f.Policies.Origins(classify.Verdict{Class: classify.Retryable, Code: "130"})[0])
	require.Equal(t, policy.Origin{Field: "MaxAttempts", Place: "Default", Layer: 2, Table: "mine.yaml"}, f.Policies.Origins(classify.Verdict{Class: classify.Retryable})[0])
}

const sqlStateHead = `# SQLSTATE, the codes of SQL databases, as classify.SQLState() has it; a test keeps them the same. The table is made in Go: only
# that one asks errors for a method SQLState() string, which those of pgx and lib/pq have. What it holds:
#
`

// The table of SQL databases stays the one that asks errors for their SQLSTATE, however it is reached.
func TestSQLState(t *testing.T) {
	text := sqlStateHead + commented(written("", classify.SQLState(), "")) + "extends: sqlstate\n"
	if *update {
		require.NoError(t, os.WriteFile("catalogs/sqlstate.yaml", []byte(text), 0o644))
	}
	data, ok := policyfile.Builtin("sqlstate")
	require.True(t, ok)
	require.Equal(t, text, string(data), "run go test -update")
	rules, err := policyfile.Parse("sqlstate", []byte(written("", classify.SQLState(), "")))
	require.NoError(t, err)
	require.Equal(t, classify.SQLState().Rules(), rules.Policies.Catalog().Rules(), "as the comment has them")
	for name, file := range map[string]string{"the file": text, "one that extends it": "extends: sqlstate\nname: Ledger\nrules: [{code: 23505, name: Duplicate, class: fatal}]\n"} {
		f, err := policyfile.Parse("f", []byte(file))
		require.NoError(t, err, name)
		require.Equal(t, classify.Retryable, f.Policies.Catalog().Classify(fmt.Errorf("query: %w", stateError("40001"))).Class, name)
		require.Equal(t, classify.Fatal, f.Policies.Catalog().Classify(stateError("23505")).Class, name)
	}
}

type stateError string

func (e stateError) Error() string    { return "SQL" }
func (e stateError) SQLState() string { return string(e) }

func commented(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		b.WriteString("# " + line)
	}
	return b.String()
}

// same compares two sets in all that can be asked of them.
func same(t *testing.T, want, got *policy.Set) {
	t.Helper()
	require.Equal(t, want.Catalog().Rules(), got.Catalog().Rules())
	require.Equal(t, want.Catalog().Name(), got.Catalog().Name())
	require.Equal(t, want.Catalog().Shape(), got.Catalog().Shape())
	require.Equal(t, want.AttemptTimeout(), got.AttemptTimeout())
	for _, tokens := range []int{0, 4, 9} {
		require.Equal(t, want.Affordable(tokens), got.Affordable(tokens))
	}
	codes := []classify.Code{"", "12345"}
	for _, r := range want.Catalog().Rules() {
		first, last, numbers := r.Bounds()
		require.True(t, numbers)
		codes = append(codes, first, last)
	}
	for _, code := range codes {
		for _, status := range []int{0, 200, 400, 403, 429, 500, 503, 599} {
			for class := classify.Unclassified; class <= classify.Fatal; class++ {
				v := classify.Verdict{Class: class, Code: code, Status: status}
				require.Equal(t, want.For(v), got.For(v), "%+v", v)
			}
			e := &classify.Error{Status: status}
			if code != "" {
				e.Details = []classify.Detail{{Code: code}}
			}
			require.Equal(t, want.Catalog().Classify(e), got.Catalog().Classify(e))
		}
	}
}

// What the tables of other APIs say of what everybody knows of them.
func TestOtherTables(t *testing.T) {
	for name, codes := range map[string]map[classify.Code]classify.Class{
		"grpc":     {"3": classify.FixAndResend, "4": classify.Retryable, "5": classify.Fatal, "8": classify.Retryable, "14": classify.Retryable, "16": classify.Fatal},
		"http":     {"302": classify.Fatal, "400": classify.FixAndResend, "404": classify.Fatal, "429": classify.Retryable, "500": classify.Retryable, "501": classify.Fatal, "599": classify.Retryable},
		"sqlstate": {"40001": classify.Retryable, "23505": classify.Fatal, "08006": classify.Retryable},
		"jsonrpc":  {"-32603": classify.Retryable, "-32700": classify.FixAndResend},
	} {
		data, ok := policyfile.Builtin(name)
		require.True(t, ok, name)
		f, err := policyfile.Parse(name, data)
		require.NoError(t, err, name)
		for code, class := range codes {
			require.Equal(t, class, f.Policies.Explain(code).Rule.Class, "%s %s", name, code)
			require.NotEmpty(t, f.Policies.Explain(code).Rule.Source)
		}
	}
	_, ok := policyfile.Builtin("../secret")
	require.False(t, ok)
}

// A server that answers UNKNOWN, INTERNAL or DATA_LOSS is a failure to the breaker, and a call that the caller cancelled is
// none of its business: as grpcretry.Policies() has it.
func TestWhatTheBreakerCountsOfGRPC(t *testing.T) {
	for code, want := range map[string]policy.BreakerMode{
		"1 CANCELLED": policy.Ignored, "2 UNKNOWN": policy.Failure, "3 INVALID_ARGUMENT": policy.Success, "4 DEADLINE_EXCEEDED": policy.Failure,
		"5 NOT_FOUND": policy.Success, "6 ALREADY_EXISTS": policy.Success, "7 PERMISSION_DENIED": policy.Success, "8 RESOURCE_EXHAUSTED": policy.Failure,
		"9 FAILED_PRECONDITION": policy.Success, "10 ABORTED": policy.Success, "11 OUT_OF_RANGE": policy.Success, "12 UNIMPLEMENTED": policy.Success,
		"13 INTERNAL": policy.Failure, "14 UNAVAILABLE": policy.Failure, "15 DATA_LOSS": policy.Failure, "16 UNAUTHENTICATED": policy.Success,
	} {
		number, word, _ := strings.Cut(code, " ")
		for name, code := range map[string]string{"grpc": number, "google-rpc": word} {
			set := builtin(t, name).Policies
			v := set.Catalog().Classify(&classify.Error{Details: []classify.Detail{{Code: classify.Code(code)}}})
			require.Equal(t, want, set.For(v).Breaker, "%s: %s", name, code)
		}
	}
}
