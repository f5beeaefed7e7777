//go:debug randseednop=0
package oracle_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

var (
	schedules = flag.Int("schedules", ordinary, "how many schedules to run")
	seed      = flag.Uint64("seed", 1, "the seed of the first; the others count on from it")
	workers   = flag.Int("workers", runtime.NumCPU(), "how many processes to run them in")
)

// enough is how many schedules with a violation are shown.
const enough = 3

// TestSchedules runs schedules and holds each to the rules. One schedule alone is
// told step by step with -v.
func TestSchedules(t *testing.T) {
	begun := time.Now()
	var sum tally
	if *workers > 1 && *schedules >= 1000 {
		sum = divide(t)
	} else {
		sum = inOrder(t, *seed, *schedules)
	}
	if t.Failed() || sum.Schedules < 1000 {
		return
	}
	share := 100 * float64(sum.PaidOff) / float64(sum.Payable)
	t.Logf("%d schedules from seed %d in %v: %d calls, %d sends, %d payments, %d unknown; of %d that could be paid in the end %.2f %% were",
		sum.Schedules, *seed, time.Since(begun).Round(time.Millisecond), sum.Calls, sum.Sends, sum.Paid, sum.Unknown, sum.Payable, share)
	if share < leastPaid {
		t.Errorf("timid: only %.2f %% of what could be paid was, and %v %% are expected", share, leastPaid)
	}
}

// TestTellingSchedules runs those schedules that have found mutants out.
func TestTellingSchedules(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, seed := range telling {
		if w := run(t, seed, false); len(w.found) > 0 {
			report(t, w)
		}
	}
}

// leastPaid is the share of payments, in percent, that have to be made of those
// which nothing but bad luck before stands against.
const leastPaid = 97

// inOrder runs schedules one after the other. On one processor, so that
// of several goroutines that could run the same one does every time.
func inOrder(t *testing.T, from uint64, n int) (sum tally) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	bad := 0
	for s := from; s < from+uint64(n); s++ {
		w := run(t, s, n == 1 && testing.Verbose())
		sum.add(w.tally())
		if n == 1 && testing.Verbose() {
			t.Log("\n" + w.story())
		}
		if len(w.found) == 0 {
			continue
		}
		report(t, w)
		if bad++; bad == enough {
			break
		}
	}
	return sum
}

func report(t *testing.T, w *world) {
	var all strings.Builder
	for _, v := range w.found {
		fmt.Fprintf(&all, "\n\t%v", v)
	}
	t.Errorf("seed %d breaks the rules:%s\n\treplay: go test ./internal/oracle -run 'TestSchedules$' -schedules 1 -seed %d -v", w.seed, &all, w.seed)
}

const tallyLine = "tally: "

// divide runs the schedules in several processes: chance is seeded per process.
func divide(t *testing.T) (sum tally) {
	var mu sync.Mutex
	var group sync.WaitGroup
	each := (*schedules + *workers - 1) / *workers
	for i := range *workers {
		from := *seed + uint64(i*each)
		n := min(each, *schedules-i*each)
		group.Go(func() {
			out, err := exec.Command(os.Args[0], "-test.run=^TestWorker$", "-test.v", "-test.timeout=0", "-worker",
				"-schedules="+strconv.Itoa(n), "-seed="+strconv.FormatUint(from, 10)).CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			sum.add(tallyIn(string(out)))
			if err != nil {
				t.Errorf("seeds from %d: %v\n%s", from, err, out)
			}
		})
	}
	group.Wait()
	return sum
}

func tallyIn(out string) (sum tally) {
	for line := range strings.Lines(out) {
		if text, ok := strings.CutPrefix(strings.TrimSpace(line), tallyLine); ok {
			_ = json.Unmarshal([]byte(text), &sum)
		}
	}
	return sum
}

var worker = flag.Bool("worker", false, "this process is one of several that a run was divided into")

// TestWorker is one part of a run that was divided.
func TestWorker(t *testing.T) {
	if !*worker {
		t.Skip("this is for the processes that TestSchedules starts")
	}
	sum, err := json.Marshal(inOrder(t, *seed, *schedules))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(tallyLine + string(sum))
}
