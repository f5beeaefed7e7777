package resiliencedebug

import (
	"cmp"
	"net/http"
	"reflect"
	"time"

	"github.com/nexpay-go/resilience/internal/hook"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/retry"
)

// How many rows the page shows at most; what is wrong comes first.
const (
	mostRows   = 500 // of breakers and of keys
	mostDoubts = 100 // of each journal
	mostCodes  = 50  // with policies of their own
	mostNamed  = 5   // of a kind, in what is wrong now
	mostText   = 4096
)

// A report is the state at one instant, which the page and the JSON show. Each text in it
// is one printable line.
type report struct {
	Title    string        `json:"title"`
	At       time.Time     `json:"at"`
	Well     bool          `json:"well"`  // nothing is wrong
	Wrong    []finding     `json:"wrong"` // the most urgent first
	Notes    []finding     `json:"notes"` // what can wait for the morning
	Breakers *breakersPart `json:"breakers,omitempty"`
	Keys     *keysPart     `json:"keys,omitempty"`
	Calls    []callsRow    `json:"calls,omitempty"`
	Unknown  []unknownPart `json:"unknown_codes,omitempty"`
	Journals []journalPart `json:"journals,omitempty"`
	Policies *policiesPart `json:"policies,omitempty"`

	Several bool `json:"-"` // more than one API: show their names
	Acting  bool `json:"-"` // there are actions
}

// report reads everything once.
func (p *page) report(r *http.Request) *report {
	rep := &report{
		Title: p.title, At: time.Now().UTC(), Wrong: []finding{}, Notes: []finding{},
		Several: len(p.retriers)+len(p.breakers) > 1 && len(p.retriers) > 0, Acting: p.actions != nil,
	}
	rep.Journals = p.listJournals(r.Context())
	stats := map[string]retry.Stats{}
	for _, name := range p.names {
		stats[name] = p.retriers[name].Stats()
	}
	for i := range rep.Journals {
		for _, name := range rep.Journals[i].APIs {
			rep.Journals[i].Failure = cmp.Or(rep.Journals[i].Failure, stats[name].JournalError)
		}
	}
	rep.Breakers = p.breakersNow()
	rep.Keys = p.keysNow()
	rep.Calls = p.callsNow(stats)
	rep.Unknown = p.unknownNow(stats)
	rep.Policies = p.policiesNow(r.URL.Query())
	rep.judge()
	clean(reflect.ValueOf(rep).Elem())
	return rep
}

// clean makes each text in v one printable line, because nearly all of them come from
// servers, journals and operators, and each time one that JSON can represent. It skips
// only the keys of maps, which are words of this module, and breakerRow.target, which is
// not exported. It does not write to what is clean already: other requests may read it.
func clean(v reflect.Value) {
	switch v.Kind() {
	case reflect.String:
		if line := text.Cut(v.String(), mostText); line != v.String() {
			v.SetString(line)
		}
	case reflect.Pointer:
		if !v.IsNil() {
			clean(v.Elem())
		}
	case reflect.Slice:
		for i := range v.Len() {
			clean(v.Index(i))
		}
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			if within := inJSON(at); within != at {
				v.Set(reflect.ValueOf(within))
			}
			return
		}
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				clean(f)
			}
		}
	}
}

// The first and the last second that JSON can represent, see time.Time.MarshalJSON.
var earliest, latest = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// inJSON returns at, or the nearest time in the years 0 to 9999: a journal may have any.
func inJSON(at time.Time) time.Time {
	switch {
	case at.Before(earliest):
		return earliest
	case at.After(latest):
		return latest
	}
	return at
}

// contained runs code of the program, and contains its panics.
func contained(what string, f func()) { hook.Call("resiliencedebug: "+what, f) }
