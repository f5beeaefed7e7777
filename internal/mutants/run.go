package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A runner tests a package with one mutant at a time.
type runner struct {
	*target
	scratch string
	woven   string // the binary of the package's tests with all that fit together
	slow    string // a pattern: tests that only what the others let pass meets
	tender  string // a pattern: tests that fail when all is woven in, as those that count allocations
	seen    map[int]bool
	timeout time.Duration
	quick   time.Duration // the same for all tests but the slow ones
}

// build compiles the package's tests with other text for some of its files.
func (r *runner) build(name string, texts map[string]string) (string, error) {
	overlay := map[string]string{}
	for path, text := range texts {
		overlay[path] = filepath.Join(r.scratch, fmt.Sprintf("%s-%d.go", name, len(overlay)))
		if err := os.WriteFile(overlay[path], []byte(text), 0o600); err != nil {
			return "", err
		}
	}
	data, err := json.Marshal(map[string]any{"Replace": overlay})
	if err != nil {
		return "", err
	}
	file, binary := filepath.Join(r.scratch, name+".json"), filepath.Join(r.scratch, name+".test")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		return "", err
	}
	_, err = goCommand("test", "-c", "-vet=off", "-ldflags=-s -w", "-overlay", file, "-o", binary, r.path)
	return binary, err
}

// weave builds what all mutants but the single ones run in, and runs it once
// as it stands: to learn how long that takes, which of its tests are slow, and
// which mutants it meets.
func (r *runner) weave(sites []*site) error {
	texts := map[string]string{filepath.Join(r.folder, "mutants_active.go"): active(r.name)}
	for _, f := range r.files {
		var own []*site
		for _, s := range sites {
			if s.file == f {
				own = append(own, s)
			}
		}
		texts[f.path] = weave(f, own)
	}
	var err error
	if r.woven, err = r.build("woven", texts); err != nil {
		return err
	}
	r.timeout = 10 * time.Minute
	began := time.Now()
	out, _ := r.run(r.woven, 0, "-test.v", "-test.failfast=false")
	r.timeout = 10*time.Second + 5*time.Since(began)
	r.slow = slow(ended(out, "PASS"))
	r.tender = pattern(slices.Sorted(maps.Keys(ended(out, "FAIL"))))
	if out, passed := r.run(r.woven, 0, r.skip(r.tender)); !passed {
		return fmt.Errorf("%s fails without a mutant:\n%s", r.path, out)
	}
	began = time.Now()
	r.run(r.woven, 0, r.skip(r.slow, r.tender))
	r.quick = 5*time.Second + 5*time.Since(began)

	trace := filepath.Join(r.scratch, "trace")
	r.run(r.woven, 0, "-test.failfast=false", "MUTANT_TRACE="+trace)
	data, err := os.ReadFile(trace)
	if err != nil {
		return err
	}
	r.seen = map[int]bool{}
	for line := range strings.Lines(string(data)) {
		if id, err := strconv.Atoi(strings.TrimSpace(line)); err == nil {
			r.seen[id] = true
		}
	}
	return nil
}

// ended are the tests that ended so, and how many seconds they took.
func ended(verbose, how string) map[string]float64 {
	all := map[string]float64{}
	for line := range strings.Lines(verbose) {
		var name string
		var seconds float64
		if n, _ := fmt.Sscanf(line, "--- "+how+": %s (%fs)", &name, &seconds); n == 2 {
			all[name] = seconds
		}
	}
	return all
}

// slow is the pattern of those tests that come second: all but the quickest,
// which take a fifth of the time and find nearly all there is to find.
func slow(tests map[string]float64) string {
	names := slices.SortedFunc(maps.Keys(tests), func(a, b string) int {
		return cmp.Or(cmp.Compare(tests[a], tests[b]), strings.Compare(a, b))
	})
	left := 0.0
	for _, seconds := range tests {
		left += seconds / 5
	}
	for i, name := range names {
		if left -= tests[name]; left < 0 {
			return pattern(names[i:])
		}
	}
	return ""
}

// pattern matches these names, and is "" if there are none.
func pattern(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "^(" + strings.Join(names, "|") + ")$"
}

// skip is the argument that leaves out tests.
func (r *runner) skip(patterns ...string) string {
	patterns = slices.DeleteFunc(patterns, func(p string) bool { return p == "" })
	return "-test.skip=" + strings.Join(patterns, "|")
}

// An outcome is what the tests said to a mutant.
type outcome int

const (
	killed outcome = iota
	survived
	unmet  // no test comes to where it is
	broken // the compiler refuses it
)

func (r *runner) try(m *mutant) outcome {
	alone := func() (string, error) { return r.build("single", map[string]string{m.file.path: m.alone()}) }
	binary := r.woven
	if m.single {
		var err error
		if binary, err = alone(); err != nil {
			return broken
		}
	} else if !r.seen[m.id] {
		return unmet
	}
	if !r.passesQuickly(binary, m) || r.slow != "" && !r.passes(binary, m, "-test.run="+r.slow) {
		return killed
	}
	if r.tender == "" {
		return survived
	}
	binary, err := alone()
	if err != nil {
		// It compiles only where what it leaves out is still there.
		return survived
	}
	if !r.passes(binary, m, "-test.run="+r.tender) {
		return killed
	}
	return survived
}

func (r *runner) passesQuickly(binary string, m *mutant) bool {
	hasty := *r
	hasty.timeout = r.quick
	return hasty.passes(binary, m, r.skip(r.slow, r.tender))
}

func (r *runner) passes(binary string, m *mutant, arg string) bool {
	_, passed := r.run(binary, m.id, arg)
	return passed
}

// run runs a binary of tests. Of what is passed, what does not begin with "-"
// goes to the environment.
func (r *runner) run(binary string, id int, args ...string) (string, bool) {
	ctx, cancel := context.WithTimeout(context.Background(), r.timeout+5*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout="+r.timeout.String())
	if r.rapid {
		cmd.Args = append(cmd.Args, "-rapid.nofailfile", "-rapid.shrinktime=1ms")
	}
	cmd.Dir = r.folder
	cmd.WaitDelay = time.Second
	cmd.Env = append(os.Environ(), "MUTANT="+strconv.Itoa(id))
	for _, arg := range args {
		if strings.HasPrefix(arg, "-") {
			cmd.Args = append(cmd.Args, arg)
		} else {
			cmd.Env = append(cmd.Env, arg)
		}
	}
	out, err := cmd.CombinedOutput()
	return string(out), err == nil
}
