package oracle_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var mutate = flag.Bool("mutants", false, "break the engine in every way that is listed, and see that each is found out")

// complaint is what a violation looks like in the output.
var complaint = regexp.MustCompile(`\n\s+(M\d|N\d|timid): `)

// TestMutants breaks the engine, one rule at a time, and runs the ordinary
// schedules against it. It takes minutes.
func TestMutants(t *testing.T) {
	if !*mutate {
		t.Skip("run it with -mutants: it compiles the engine once per mutant")
	}
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			binary := m.build(t)
			cmd := exec.Command(binary, "-test.run=^TestSchedules$", "-test.timeout=5m")
			out, err := cmd.CombinedOutput()
			if err == nil {
				t.Fatalf("it survives:\n%s", out)
			}
			rules := violated(out)
			if !slices.ContainsFunc(m.rules, func(r string) bool { return slices.Contains(rules, r) }) {
				t.Fatalf("it fails, but not for breaking %v: %v\n%s", m.rules, rules, out)
			}
			t.Logf("found out: %v", rules)
		})
	}
}

// violated is which rules the output says are broken.
func violated(out []byte) (rules []string) {
	for _, match := range complaint.FindAllSubmatch(out, -1) {
		rules = append(rules, string(match[1]))
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// A mutant is the engine with an error in it.
type mutant struct {
	name  string
	rules []string // any of which it breaks
	edits []edit
}

// An edit replaces a piece of a file of package retry that is there exactly once.
type edit struct{ file, old, new string }

// build compiles the tests of this package with the mutant in the engine's place.
func (m *mutant) build(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	sources := map[string]string{} // by path
	for _, e := range m.edits {
		path, err := filepath.Abs(filepath.Join("..", "..", "retry", e.file))
		if err != nil {
			t.Fatal(err)
		}
		if sources[path] == "" {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			sources[path] = string(text)
		}
		if n := strings.Count(sources[path], e.old); n != 1 {
			t.Fatalf("%s has this %d times, not once; the mutant has to follow the engine:\n%s", e.file, n, e.old)
		}
		sources[path] = strings.Replace(sources[path], e.old, e.new, 1)
	}
	binary := filepath.Join(dir, "mutant.test")
	cmd := exec.Command("go", "test", "-c", "-vet=off", "-overlay="+overlay(t, dir, sources), "-o", binary, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("it does not compile: %v\n%s", err, bytes.TrimSpace(out))
	}
	return binary
}

// overlay writes the mutated sources, and the file that tells the go command of them.
func overlay(t *testing.T, dir string, sources map[string]string) string {
	t.Helper()
	replace := map[string]string{}
	for path, text := range sources {
		replace[path] = filepath.Join(dir, filepath.Base(path))
		if err := os.WriteFile(replace[path], []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
