package resiliencedebug

import (
	"cmp"
	"context"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/nexpay-go/resilience/internal/protocol"
	"github.com/nexpay-go/resilience/internal/redact"
	"github.com/nexpay-go/resilience/retry"
)

const (
	// listFor is how long a request waits for a journal, and for how long what one
	// request has learned serves others.
	listFor = time.Second

	defaultSettle = 40 * time.Second // that of retry.Operation
	defaultTakes  = time.Minute      // what package retry gives a Send whose time is not known
)

// A journalPart has the open entries of one journal.
type journalPart struct {
	APIs     []string  `json:"apis"`              // the Retriers that have it
	InDoubt  int       `json:"in_doubt"`          // operations with an unknown outcome
	UnderWay int       `json:"under_way"`         // begun, and may still be in progress
	Complete bool      `json:"complete"`          // false: the list is incomplete
	Trouble  string    `json:"trouble,omitempty"` // why not
	At       time.Time `json:"at"`                // when the listing began
	Failure  string    `json:"failure,omitempty"` // why its last read or write failed
	Settle   string    `json:"settle"`            // see Config.Settle
	Doubts   []doubt   `json:"doubts"`            // at most 100, in the order of the journal
}

// More is how many operations in doubt are not shown.
func (j *journalPart) More() int { return j.InDoubt - len(j.Doubts) }

// A doubt is an operation that may have happened.
type doubt struct {
	ID         string     `json:"id"`
	Key        string     `json:"key,omitempty"`
	Begun      time.Time  `json:"begun"` // the last send, by the clock of its process
	First      *time.Time `json:"first,omitempty"`
	Generation int64      `json:"generation"` // how many attempts were begun
	Nonce      uint64     `json:"nonce,omitempty"`
	TraceIDs   []string   `json:"trace_ids,omitempty"`
	Conclusive *time.Time `json:"conclusive,omitempty"` // absent: unknown, the clock of its process was ahead
}

// A lister lists one journal, for all requests together: a journal that hangs has one
// goroutine, however many people look.
type lister struct {
	journal retry.Journal
	apis    []string
	settle  time.Duration

	mu   sync.Mutex // guards what follows
	last *listing
}

// A listing is in progress until done is closed.
type listing struct {
	at   time.Time // when it began
	done chan struct{}

	mu       sync.Mutex // guards what follows
	ended    time.Time
	doubts   []doubt
	inDoubt  int
	underWay int
	trouble  string // once it is over
}

// findJournals returns a lister for each journal. A journal that cannot be compared gets
// one for each Retrier that has it.
func (p *page) findJournals() (all []*lister) {
	for _, api := range p.names {
		j := p.retriers[api].Journal()
		if j == nil {
			continue
		}
		i := -1
		if reflect.ValueOf(j).Comparable() {
			i = slices.IndexFunc(all, func(l *lister) bool { return reflect.ValueOf(l.journal).Comparable() && l.journal == j })
		}
		if i < 0 {
			i, all = len(all), append(all, &lister{journal: j, settle: p.settle})
		}
		all[i].apis = append(all[i].apis, api)
	}
	return all
}

// listJournals lists all journals at once, so that all together take no longer than one.
func (p *page) listJournals(ctx context.Context) (parts []journalPart) {
	ctx, cancel := context.WithTimeout(ctx, listFor)
	defer cancel()
	listings := make([]*listing, len(p.journals))
	for i, l := range p.journals {
		listings[i] = l.list()
	}
	for i, l := range p.journals {
		part := listings[i].wait(ctx)
		part.APIs, part.Settle = l.apis, l.settle.String()
		parts = append(parts, part)
	}
	return parts
}

// list returns the listing that is in progress or has just ended, or begins one.
func (l *lister) list() *listing {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if l.last == nil || l.last.stale(now) {
		l.last = &listing{at: now, done: make(chan struct{})}
		go l.last.run(l.journal, l.settle)
	}
	return l.last
}

func (g *listing) stale(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.ended.IsZero() && now.Sub(g.ended) >= listFor
}

// hung is the trouble of a journal that is not listed in time.
const hung = "the list was not complete within a second"

func (g *listing) run(j retry.Journal, settle time.Duration) {
	trouble := "the listing panicked or ended its goroutine; slog.Default() has the details"
	defer func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.trouble, g.ended = trouble, time.Now()
		close(g.done)
	}()
	contained("Journal", func() { trouble = g.read(j, settle) })
}

// read lists the journal, and returns why the list is incomplete.
func (g *listing) read(j retry.Journal, settle time.Duration) string {
	pending, ok := j.(retry.PendingJournal)
	if !ok {
		return "it cannot list open entries: it is not a PendingJournal"
	}
	ctx, cancel := context.WithTimeout(context.Background(), listFor)
	defer cancel()
	for e, err := range pending.Pending(ctx) {
		switch {
		case ctx.Err() != nil:
			return hung
		case err != nil:
			return "it could not be listed: " + redact.Text(err)
		}
		g.add(&e, settle)
	}
	if ctx.Err() != nil { // the iteration may have ended without an error
		return hung
	}
	return ""
}

func (g *listing) add(e *retry.Entry, settle time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	switch {
	case e.State != retry.EntryOpen: // it has ended in the meantime
	case sending(e, now):
		g.underWay++
	default:
		if g.inDoubt++; len(g.doubts) < mostDoubts {
			g.doubts = append(g.doubts, doubtOf(e, settle, now))
		}
	}
}

// quiet returns when its sender's time is over, by the clock of its process.
func quiet(e *retry.Entry) time.Time {
	return e.At.Add(protocol.Decide.Quiet(cmp.Or(max(e.Takes, 0), defaultTakes)))
}

// ahead reports whether the clock of its process is farther ahead than clocks may differ.
func ahead(e *retry.Entry, now time.Time) bool { return e.At.Sub(now) > protocol.Clocks }

// sending reports whether an operation may still be in progress: no answer has left it
// in doubt, and its sender has time left.
func sending(e *retry.Entry, now time.Time) bool {
	return len(e.TraceIDs) == 0 && !ahead(e, now) && now.Before(quiet(e))
}

func doubtOf(e *retry.Entry, settle time.Duration, now time.Time) doubt {
	d := doubt{
		ID: e.ID, Key: e.Key, Begun: e.At.UTC(), Generation: e.Generation, Nonce: e.Nonce,
		TraceIDs: slices.Clone(e.TraceIDs[:min(len(e.TraceIDs), 16)]),
	}
	if e.First.Unix() > 0 {
		at := e.First.UTC()
		d.First = &at
	}
	if !ahead(e, now) {
		at := quiet(e).Add(settle).UTC()
		d.Conclusive = &at
	}
	clean(reflect.ValueOf(&d)) // here, as several requests may show it
	return d
}

// wait returns what has been listed when the listing ends, when ctx ends, or a second
// after the listing began, whichever is first.
func (g *listing) wait(ctx context.Context) journalPart {
	timer := time.NewTimer(time.Until(g.at.Add(listFor)))
	defer timer.Stop()
	select {
	case <-g.done:
	case <-ctx.Done():
	case <-timer.C:
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	part := journalPart{
		InDoubt: g.inDoubt, UnderWay: g.underWay, At: g.at.UTC(), Doubts: slices.Clone(g.doubts),
		Complete: !g.ended.IsZero() && g.trouble == "", Trouble: g.trouble,
	}
	if g.ended.IsZero() {
		part.Trouble = hung
		if since := time.Since(g.at).Round(time.Second); since > listFor {
			part.Trouble = "the list is still not complete after " + since.String()
		}
	}
	if part.Doubts == nil {
		part.Doubts = []doubt{}
	}
	return part
}
