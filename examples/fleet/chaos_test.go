package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/nexpay/nexpaytest"
)

// The fleet of TestChaos.
const (
	chaosTTL   = 3 * time.Second
	chaosRound = chaosTTL / 3
	leeway     = 500 * time.Millisecond // for a busy machine and the round itself
)

// Four processes and sixteen keys, on real servers: processes are killed and stopped, the
// store is stopped and its connections are cut, and the clock of one process is 8 s ahead.
// Then invoices are paid under the same conditions, with 18 % of the bank's answers lost or
// late.
func TestChaos(t *testing.T) {
	if *chaos == 0 {
		t.Skip("it takes a while: go test ./examples/fleet -run TestChaos -chaos 30s -v")
	}
	for name, open := range map[string]func(t *testing.T) (db, leases *store){
		"PostgreSQL": func(t *testing.T) (db, leases *store) {
			s := openStore(t, postgres.Socket(t), postgres.Pause, postgres.Resume)
			return s, s
		},
		"Redis": func(t *testing.T) (db, leases *store) {
			return openStore(t, postgres.Socket(t), postgres.Pause, postgres.Resume), openStore(t, redisServer.Socket(t), redisServer.Pause, redisServer.Resume)
		},
	} {
		t.Run(name, func(t *testing.T) {
			db, leases := open(t)
			c := openChaos(t, db, leases)
			c.run(*chaos)
			c.judge()
			c.invoices(db)
		})
	}
}

// A chaosFleet has the callers, what was done to them, and what was observed.
type chaosFleet struct {
	*testing.T
	bank   *nexpaytest.Bank
	task   task
	leases *store
	live   map[int]*exec.Cmd // by number; a process that starts again has another name
	past   []trouble

	mu     sync.Mutex // guards what follows
	sent   map[request]sender
	taken  []taking
	failed []failure
}

type (
	request struct {
		key   string
		nonce uint64
	}
	sender struct {
		process string
		epoch   int64 // 0: unknown
	}
	taking struct {
		at           time.Time
		key, process string
	}
	failure struct {
		at            time.Time
		process, text string
	}
	trouble struct {
		process  string // empty: the store
		killed   bool
		from, to time.Time
	}
)

func openChaos(t *testing.T, db, leases *store) *chaosFleet {
	c := &chaosFleet{T: t, leases: leases, live: map[int]*exec.Cmd{}, sent: map[request]sender{}}
	var config nexpaytest.Config
	for n := range 16 {
		k := credentials(keyName(n))
		config.Keys = append(config.Keys, nexpaytest.Key{ID: k.Key, Secret: k.Secret, PaymentSecret: k.PaymentSecret})
	}
	var err error
	c.bank, err = nexpaytest.New(config)
	require.NoError(t, err)
	t.Cleanup(c.bank.Close)
	mux := http.NewServeMux()
	mux.HandleFunc("POST /taken", c.recordTaken)
	mux.HandleFunc("POST /failed", c.recordFailed)
	reports, bank := httptest.NewServer(mux), httptest.NewServer(http.HandlerFunc(c.serve))
	t.Cleanup(reports.Close)
	t.Cleanup(bank.Close)
	c.task = task{Bank: bank.URL, Queue: reports.URL, Keys: 16, TTL: chaosTTL, Postgres: dsn(db), Prefix: fmt.Sprintf("chaos_%d", os.Getpid())}
	if leases != db {
		c.task.Redis = leases.address
	}
	d, err := openDatabase(t.Context(), &c.task)
	require.NoError(t, err)
	t.Cleanup(d.drop)
	return c
}

func dsn(s *store) string {
	host, port, _ := net.SplitHostPort(s.address)
	return "host=" + host + " port=" + port + " user=test dbname=postgres sslmode=disable"
}

// serve is the bank's handler. It records the sender.
func (c *chaosFleet) serve(w http.ResponseWriter, r *http.Request) {
	nonce, _ := strconv.ParseUint(r.Header.Get("X-NONCE"), 10, 64)
	epoch, _ := strconv.ParseInt(r.Header.Get(epochHeader), 10, 64)
	c.mu.Lock()
	c.sent[request{r.Header.Get("X-API-KEY"), nonce}] = sender{r.Header.Get(processHeader), epoch}
	c.mu.Unlock()
	c.bank.Handler().ServeHTTP(w, r)
}

func (c *chaosFleet) recordTaken(_ http.ResponseWriter, r *http.Request) {
	key, process := r.FormValue("key"), r.FormValue("process")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.taken = append(c.taken, taking{time.Now(), key, process})
}

func (c *chaosFleet) recordFailed(_ http.ResponseWriter, r *http.Request) {
	process, text := r.FormValue("process"), r.FormValue("error")
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = append(c.failed, failure{time.Now(), process, text})
}

// run lets four processes make calls for that long, with one trouble after the other.
func (c *chaosFleet) run(d time.Duration) {
	for n := 1; n <= 4; n++ {
		c.start(n, 0)
	}
	defer c.end()
	time.Sleep(chaosTTL) // until each has its share of the keys
	end := time.Now().Add(d)
	for life := 1; time.Now().Before(end); life++ {
		cut := life%2 == 1
		for _, next := range []func(){
			func() { c.kill((life+1)%4+1, life) },
			func() { c.storeGone(cut, 1500*time.Millisecond) },
			func() { c.stop(life%4 + 1) },
			func() { c.storeGone(!cut, 6*time.Second) },
		} {
			if time.Now().Before(end) {
				next()
			}
		}
	}
}

func (c *chaosFleet) start(n, life int) {
	t := c.task
	t.Name = name(n, life)
	self, err := os.Executable()
	require.NoError(c, err)
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), callerVariable+"="+t.String())
	cmd.Stderr = os.Stderr
	require.NoError(c, cmd.Start())
	cmd.Args = []string{t.Name}
	c.live[n] = cmd
}

func name(n, life int) string { return fmt.Sprintf("worker-%d.%d", n, life) }

// kill kills a process and starts it again at once.
func (c *chaosFleet) kill(n, life int) {
	at := time.Now()
	require.NoError(c, c.live[n].Process.Kill())
	_ = c.live[n].Wait()
	c.note(trouble{process: c.live[n].Args[0], killed: true, from: at, to: at})
	c.start(n, life)
	time.Sleep(chaosTTL + chaosRound + leeway)
}

// stop stops a process for twice the TTL.
func (c *chaosFleet) stop(n int) {
	at := time.Now()
	require.NoError(c, pause(c.live[n].Process))
	time.Sleep(2 * chaosTTL)
	require.NoError(c, resume(c.live[n].Process))
	c.note(trouble{process: c.live[n].Args[0], from: at, to: time.Now()})
	time.Sleep(2 * chaosRound)
}

func (c *chaosFleet) storeGone(cut bool, d time.Duration) {
	at := time.Now()
	c.leases.trouble(c.T, cut, d)
	c.note(trouble{from: at, to: time.Now()})
	time.Sleep(2 * chaosRound)
}

func (c *chaosFleet) note(t trouble) { c.past = append(c.past, t) }

// end ends the processes, which give back their keys.
func (c *chaosFleet) end() {
	for _, cmd := range c.live {
		require.NoError(c, cmd.Process.Signal(syscall.SIGTERM))
	}
	for _, cmd := range c.live {
		require.NoError(c, cmd.Wait(), cmd.Args[0])
	}
}

// judge checks what was observed.
func (c *chaosFleet) judge() {
	c.mu.Lock()
	defer c.mu.Unlock()
	refused := c.refused()
	lead := c.lead()
	epochs, unknown := c.epochs()
	away := c.failures()
	longest, passed := c.takeovers()
	c.Logf("%d requests in %d epochs of 16 keys (%d of no known epoch), one process up to %v ahead of the clock; code 50: %d of a process that was stopped, %d copies, %d others; %d calls ended while their process could not renew its leases; %d keys passed on, after %v at most",
		len(c.bank.Requests()), epochs, unknown, lead.Round(time.Millisecond), refused["stopped"], refused["copy"], refused["other"], away, passed, longest.Round(time.Millisecond))
	require.Zero(c, refused["other"], "code 50")
	require.Greater(c, lead, ahead-time.Second)
	require.LessOrEqual(c, longest, chaosTTL+chaosRound+leeway, "until a key passed on")
	require.Less(c, unknown, len(c.bank.Requests())/100)
}

// refused counts the requests that the bank has refused, by the reason.
func (c *chaosFleet) refused() map[string]int {
	why, seen := map[string]int{}, map[request]bool{}
	for _, r := range c.bank.Requests() {
		this := request{r.Key, r.Nonce}
		copied := seen[this]
		seen[this] = true
		by := c.sent[this]
		switch {
		case r.Refusal == "":
		case r.Refusal != "50":
			c.Errorf("the bank refused a request of %s: %s", by.process, r.Refusal)
		case copied:
			why["copy"]++
		case c.wasStopped(by.process, r.At):
			why["stopped"]++
		default:
			c.Logf("%s in epoch %d of %s: nonce %d refused", by.process, by.epoch, r.Key, r.Nonce)
			why["other"]++
		}
	}
	return why
}

// lead returns how far nonces were ahead of the clock.
func (c *chaosFleet) lead() (most time.Duration) {
	for _, r := range c.bank.Requests() {
		most = max(most, time.UnixMicro(int64(r.Nonce)).Sub(r.At))
	}
	return most
}

// wasStopped reports whether a process had been stopped just before.
func (c *chaosFleet) wasStopped(process string, at time.Time) bool {
	for _, t := range c.past {
		if t.process == process && !t.killed && at.After(t.from) && at.Before(t.to.Add(chaosRound)) {
			return true
		}
	}
	return false
}

// epochs checks that each epoch of a key belongs to one process, and that its nonces are
// below those of the next epoch.
func (c *chaosFleet) epochs() (n, unknown int) {
	type epoch struct {
		process     string
		first, last uint64
	}
	all := map[string]map[int64]*epoch{}
	for r, by := range c.sent {
		if by.epoch == 0 {
			unknown++
			continue
		}
		if all[r.key] == nil {
			all[r.key] = map[int64]*epoch{}
		}
		e := all[r.key][by.epoch]
		if e == nil {
			e = &epoch{by.process, r.nonce, r.nonce}
			all[r.key][by.epoch] = e
		}
		if e.process != by.process {
			c.Errorf("epoch %d of %s is of both %s and %s", by.epoch, r.key, e.process, by.process)
		}
		e.first, e.last = min(e.first, r.nonce), max(e.last, r.nonce)
	}
	for key, epochs := range all {
		n += len(epochs)
		for a, one := range epochs {
			for b, other := range epochs {
				if a < b && one.last >= other.first {
					c.Errorf("%s: nonces of epochs %d and %d are mixed: up to %d, from %d", key, a, b, one.last, other.first)
				}
			}
		}
	}
	return n, unknown
}

// failures checks that calls failed only while their process could not renew its leases for
// TTL, and counts these.
func (c *chaosFleet) failures() (away int) {
	for _, f := range c.failed {
		if !c.excused(f) {
			c.Errorf("a call of %s failed, %v", f.process, f.text)
			continue
		}
		away++
	}
	return away
}

func (c *chaosFleet) excused(f failure) bool {
	for _, t := range c.past {
		long := t.to.Sub(t.from) >= chaosTTL && (t.process == "" || t.process == f.process)
		if long && f.at.After(t.from.Add(chaosTTL-chaosRound)) && f.at.Before(t.to.Add(chaosRound+leeway)) {
			return true
		}
	}
	return false
}

// takeovers returns the longest time that a key of a killed or stopped process had no
// holder, and how many keys passed on.
func (c *chaosFleet) takeovers() (longest time.Duration, passed int) {
	for _, t := range c.past {
		if t.process == "" {
			continue
		}
		for n := range 16 {
			held, next := "", time.Now()
			for _, taken := range c.taken {
				switch {
				case taken.key != keyName(n):
				case taken.at.Before(t.from):
					held = taken.process
				case taken.process != t.process && taken.at.Before(next):
					next = taken.at
				}
			}
			if held == t.process {
				longest, passed = max(longest, next.Sub(t.from)), passed+1
			}
		}
	}
	return longest, passed
}

// invoices lets the workers of the example pay while the stores are unreachable at times.
func (c *chaosFleet) invoices(db *store) {
	n := 120
	if *chaos >= time.Minute {
		n = 300
	}
	args := []string{"-postgres", c.task.Postgres, "-redis", c.task.Redis, "-invoices", strconv.Itoa(n), "-ttl", chaosTTL.String()}
	out := &listener{word: "worker-2 is killed", found: make(chan struct{})}
	var log strings.Builder
	over := make(chan struct{})
	go func() {
		defer close(over)
		<-out.found
		for i, d := range []time.Duration{1500 * time.Millisecond, 6 * time.Second} {
			time.Sleep(time.Second)
			var both sync.WaitGroup
			if c.leases != db {
				both.Go(func() { db.trouble(c.T, i == 1, d) })
			}
			both.Go(func() { c.leases.trouble(c.T, i == 1, d) })
			both.Wait()
		}
	}()
	code := run(c.Context(), args, out, &log)
	out.once.Do(func() { close(out.found) })
	<-over
	c.Logf("%s%s", &out.Builder, &log)
	require.Zero(c, code)
}

// A listener waits until a word is written to it.
type listener struct {
	strings.Builder
	word  string
	once  sync.Once
	found chan struct{}
}

func (l *listener) Write(p []byte) (int, error) {
	if strings.Contains(string(p), l.word) {
		l.once.Do(func() { close(l.found) })
	}
	return l.Builder.Write(p)
}
