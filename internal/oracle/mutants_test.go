package oracle_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/nexpay-go/resilience/internal/long"
	"github.com/nexpay-go/resilience/internal/protocol"
)

var (
	attempts = flag.Int("attempts", usual, "how many schedules to run against each mutant, at most")
	only     = flag.String("only", "", "the mutants whose name has this in it")
	part     = flag.Int("part", -1, "which part of the mutants this process is for")
)

// usual is more than any mutant takes that can be found out at all.
const usual = 50_000

// A mutant is the engine with an error in it: in a row of its table, or in one of
// its decisions.
type mutant struct {
	name   string
	table  protocol.Table
	decide protocol.Decisions
}

// mutants are those that were asked for: with -long all, else one in ten.
func mutants() []mutant {
	all := slices.Concat(rowMutants(), decisionMutants())
	if !long.Tests() {
		var some []mutant
		for i := 0; i < len(all); i += 10 {
			some = append(some, all[i])
		}
		all = some
	}
	return slices.DeleteFunc(all, func(m mutant) bool { return !strings.Contains(m.name, *only) })
}

// A verdict on a mutant: the seed of the schedule that found it out, if one did, and
// the rules that it broke.
type verdict struct {
	Name  string
	Found bool
	Seed  uint64
	Rules []string
}

// TestMutants breaks the engine in the ways in which a row or a decision can be
// broken, and sees that a schedule finds it out.
func TestMutants(t *testing.T) {
	if *part >= 0 {
		t.Skip("this process is one of several that a run was divided into")
	}
	if raceEnabled {
		t.Skip("it would take a minute under the race detector")
	}
	var found, silent int
	var slow []uint64
	for _, v := range tryAll(t) {
		why, explained := unseen[v.Name]
		switch {
		case v.Found && explained && why != tooRare:
			t.Errorf("%s: said not to be seen, and seed %d finds it: %v", v.Name, v.Seed, v.Rules)
		case v.Found:
			found++
			t.Logf("%s: seed %d, %v", v.Name, v.Seed, v.Rules)
			if !slices.Contains(telling, v.Seed) {
				slow = append(slow, v.Seed)
			}
		case explained:
			silent++
			t.Logf("%s: %s", v.Name, why)
		default:
			t.Errorf("%s: it survives", v.Name)
		}
	}
	t.Logf("%d mutants found, %d explained", found, silent)
	if len(slow) > 0 {
		t.Logf("put among the telling seeds, these save time: %d", slow)
	}
	if found+silent != len(mutants()) && !t.Failed() {
		t.Error("some mutants were not tried")
	}
}

const verdictLine = "verdict: "

// tryAll tries the mutants in several processes.
func tryAll(t *testing.T) (all []verdict) {
	var mu sync.Mutex
	var group sync.WaitGroup
	for i := range *workers {
		group.Go(func() {
			out, err := exec.Command(os.Args[0], "-test.run=^TestMutantsPart$", "-test.v", "-test.timeout=0",
				"-part="+strconv.Itoa(i), "-workers="+strconv.Itoa(*workers), "-attempts="+strconv.Itoa(*attempts), "-only="+*only, "-long="+strconv.FormatBool(long.Tests())).CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			for line := range strings.Lines(string(out)) {
				var v verdict
				if text, ok := strings.CutPrefix(strings.TrimSpace(line), verdictLine); ok && json.Unmarshal([]byte(text), &v) == nil {
					all = append(all, v)
				}
			}
			if err != nil {
				t.Errorf("part %d: %v\n%s", i, err, out)
			}
		})
	}
	group.Wait()
	slices.SortFunc(all, func(a, b verdict) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// TestMutantsPart tries some of the mutants.
func TestMutantsPart(t *testing.T) {
	if *part < 0 {
		t.Skip("this is for the processes that TestMutants starts")
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for i, m := range mutants() {
		if i%*workers != *part {
			continue
		}
		line, err := json.Marshal(m.try(t))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Println(verdictLine + string(line))
	}
}

// try runs schedules against the mutant: those first that have told some apart
// before.
func (m *mutant) try(t *testing.T) verdict {
	payment, decide := protocol.Payment, protocol.Decide
	defer func() { protocol.Payment, protocol.Decide = payment, decide }()
	protocol.Payment, protocol.Decide = watched(m.table), m.decide
	n := *attempts
	if unseen[m.name] != "" && n == usual {
		n = len(telling)
	}
	for i := range n {
		seed := uint64(i)
		if i < len(telling) {
			seed = telling[i]
		}
		circles.Store(0)
		if w := run(t, seed, false); len(w.found) > 0 {
			return verdict{m.name, true, seed, w.broken()}
		}
	}
	return verdict{Name: m.name}
}

// broken is which rules were broken.
func (w *world) broken() (rules []string) {
	for _, v := range w.found {
		rules = append(rules, v.rule)
	}
	slices.Sort(rules)
	return slices.Compact(rules)
}

// circles counts what happened in a schedule, of which no payment needs so much.
var circles atomic.Int64

const tooMuch = 50_000

// watched is a table that stops an engine which runs in circles without ever doing
// anything that the world would notice.
func watched(t protocol.Table) protocol.Table {
	count := []protocol.Guard{{Name: "count", Holds: func(*protocol.State, *protocol.Event) bool {
		if circles.Add(1) > tooMuch {
			panic("the engine runs in circles")
		}
		return false
	}}}
	var all protocol.Table
	for phase := protocol.Start; !phase.Over(); phase++ {
		for kind := protocol.HeldNothing; kind <= protocol.GaveUp; kind++ {
			all = append(all, protocol.Row{From: phase, On: kind, If: count})
		}
	}
	return append(all, t...)
}
