package resiliencedebug

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/nexpay-go/resilience/breaker"
	"github.com/nexpay-go/resilience/internal/text"
)

// The kinds of actions.
const (
	unlock  = "unlock"
	isolate = "isolate"
	reset   = "reset"
)

// An order is a requested action: its target, the state in which the person saw it, and
// the result. The pages of an action show it.
type order struct {
	Title  string // of the page
	Kind   string
	API    string
	Name   string // as actions name it
	Shown  string // as people do
	Who    string
	State  []fact
	Effect string // what it will do
	Seen   string // the state, in short
	Reason string
	Fault  string // what is wrong with Reason
	Result string // once it is done
	Failed bool   // nothing was done

	do func(reason string) error
}

type fact struct{ Name, Value string }

// Verb is the kind, capitalized.
func (o *order) Verb() string { return strings.ToUpper(o.Kind[:1]) + o.Kind[1:] }

// Thing is what the action is about.
func (o *order) Thing() string {
	if o.Kind == unlock {
		return "key"
	}
	return "breaker"
}

// mostForm is how many bytes a form may have.
const mostForm = 16 << 10

// confirm shows what an action would do, and asks for confirmation.
func (p *page) confirm(w http.ResponseWriter, r *http.Request) {
	if o := p.prepare(w, r, r.URL.Query()); o != nil {
		show(w, http.StatusOK, "confirm", o)
	}
}

// prepare finds the target of an action, and the person. If it returns nil, it has
// answered the request.
func (p *page) prepare(w http.ResponseWriter, r *http.Request, form url.Values) *order {
	if p.actions == nil {
		http.Error(w, "actions are switched off", http.StatusForbidden)
		return nil
	}
	who := ""
	contained("Actions.Who", func() { who = text.Line(p.actions.Who(r)) })
	if who == "" {
		http.Error(w, "Actions.Who returned no name for you, so you may not act", http.StatusForbidden)
		return nil
	}
	o := &order{Title: p.title, Kind: form.Get("action"), API: form.Get("api"), Name: form.Get("name"), Who: who}
	var fault string
	switch o.Kind {
	case unlock:
		fault = p.aimAtKey(o)
	case isolate, reset:
		fault = p.aimAtBreaker(o)
	default:
		http.Error(w, "unknown action", http.StatusBadRequest)
		return nil
	}
	if fault != "" {
		o.refuse(fault)
		show(w, http.StatusConflict, "done", o)
		return nil
	}
	return o
}

func (o *order) refuse(why string) { o.Result, o.Failed = why, true }

// show cleans what comes from the request. Texts of package breaker are clean.
func show(w http.ResponseWriter, status int, name string, o *order) {
	for _, s := range []*string{&o.API, &o.Name, &o.Shown, &o.Reason} {
		*s = text.Cut(*s, mostText)
	}
	render(w, status, name, o)
}

func (p *page) aimAtKey(o *order) (fault string) {
	o.Shown = o.Name
	for _, l := range p.lockouts() {
		if !slices.Contains(l.apis, o.API) {
			continue
		}
		for _, e := range l.Locked() {
			if text.Cut(e.Key, mostText) == o.Name {
				o.aimAtLock(l.Lockout, e)
				return ""
			}
		}
	}
	return "the key is not locked, or no longer locked"
}

func (o *order) aimAtLock(l *breaker.Lockout, e *breaker.LockedError) {
	for _, f := range []fact{
		{"Locked since", stamp(e.At) + " UTC"}, {"Code", e.Code}, {"Meaning", e.Reason},
		{"Trace id", e.TraceID}, {"Reported by", e.By}, {"What to do first", e.Advice},
	} {
		if f.Value != "" {
			o.State = append(o.State, f)
		}
	}
	o.Seen = digest(e.Key, e.At.UTC().String(), e.Code, e.TraceID)
	o.Effect = "Calls with this key are sent again, here and in every process that a switchboard informs. " +
		"If the cause is not fixed, the next answer locks it again."
	o.do = func(string) error {
		if !l.Unlock(e.Key) {
			return errGone
		}
		return nil
	}
}

type refusal string

func (r refusal) Error() string { return string(r) }

const errGone = refusal("the key was no longer locked")

func (p *page) aimAtBreaker(o *order) (fault string) {
	all := p.switchables()
	i := slices.IndexFunc(all, func(s *switchable) bool {
		return text.Cut(s.target, mostText) == o.Name && (slices.Contains(s.apis, o.API) || o.API == "" && len(s.apis) == 0)
	})
	if i < 0 {
		return "no such breaker, or it no longer exists"
	}
	s := all[i]
	row := s.row()
	o.Shown, o.Seen = row.Name, digest(row.State, row.Reason)
	o.State = []fact{{"State", row.State + " since " + stamp(row.Since) + " UTC"}}
	if row.Reason != "" {
		o.State = append(o.State, fact{"Why", row.Reason})
	}
	board := p.boardOf(s.apis)
	scope := "In this process only: it has no switchboard."
	if board != nil {
		scope = "In every process that shares its switchboard."
	}
	if o.Kind == isolate {
		o.Effect = "It refuses all calls until somebody resets it. " + scope
		o.do = func(reason string) error { s.isolate(board, reason); return nil }
		return ""
	}
	o.Effect = "It lets calls through at once and resets its counts, whether or not the server has recovered. " + scope
	o.do = func(string) error { s.reset(board); return nil }
	return ""
}

func (p *page) boardOf(apis []string) Board {
	for _, api := range apis {
		if b := p.actions.Boards[api]; b != nil {
			return b
		}
	}
	return nil
}

// isolate isolates the breaker through the board, and in this process in any case.
func (s *switchable) isolate(board Board, reason string) {
	if board != nil {
		contained("Board.Isolate", func() { board.Isolate(s.target, reason) })
	}
	if is := s.Stats(); !is.Isolated {
		s.Breaker.Isolate(reason)
	}
}

// reset does the same for a reset.
func (s *switchable) reset(board Board) {
	if board != nil {
		contained("Board.Reset", func() { board.Reset(s.target) })
	}
	if s.State() != breaker.Closed {
		s.Breaker.Reset()
	}
}

// digest identifies a state: an action confirmed in one state is refused in another.
func digest(parts ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", parts))
	return hex.EncodeToString(sum[:8])
}

// act does what was confirmed.
func (p *page) act(w http.ResponseWriter, r *http.Request) {
	if why := foreign(r); why != "" {
		http.Error(w, why, http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, mostForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	o := p.prepare(w, r, r.PostForm)
	if o == nil {
		return
	}
	o.Reason = strings.TrimSpace(text.Line(r.PostForm.Get("reason")))
	switch {
	case r.PostForm.Get("seen") != o.Seen:
		o.refuse("its state has changed since you opened the form: look again, then decide")
		show(w, http.StatusConflict, "done", o)
	case o.Kind == isolate && o.Reason == "":
		o.Fault = "Give a reason: other people need it."
		show(w, http.StatusUnprocessableEntity, "confirm", o)
	default:
		p.done(w, r, o)
	}
}

func (p *page) done(w http.ResponseWriter, r *http.Request, o *order) {
	if o.Kind != isolate {
		o.Reason = ""
	}
	if err := o.do(o.Reason); err != nil {
		o.refuse(err.Error())
		show(w, http.StatusConflict, "done", o)
		return
	}
	a := Action{Kind: o.Kind, Retrier: o.API, Name: o.Name, Reason: o.Reason, Who: o.Who, At: time.Now()}
	contained("Actions.OnAction", func() {
		if p.actions.OnAction != nil {
			p.actions.OnAction(r.Context(), a)
			return
		}
		slog.Default().WarnContext(r.Context(), "resiliencedebug: action", "kind", a.Kind, "retrier", a.Retrier, "name", a.Name, "reason", a.Reason, "who", a.Who)
	})
	o.Result = map[string]string{unlock: "The key is unlocked.", isolate: "The breaker is isolated.", reset: "The breaker is reset."}[o.Kind]
	show(w, http.StatusOK, "done", o)
}

// foreign returns why a POST may be forged, empty if it is not. A request with neither
// header does not come from a browser.
func foreign(r *http.Request) string {
	site := r.Header.Get("Sec-Fetch-Site")
	if site != "" && site != "same-origin" || new(http.CrossOriginProtection).Check(r) != nil {
		return "the request comes from another site"
	}
	return ""
}
