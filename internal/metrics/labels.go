package metrics

import (
	"net/http"
	"strings"
	"sync"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/retry"
)

// Other stands for all that is beyond a bound.
const Other = "other"

// Labels are what the series of one instrument differ in. Those that an instrument has no
// label for are left empty.
type Labels struct {
	Operation string // the program's own word
	Endpoint  string // the program's own word; of lanes and lockouts the name of the key
	Word      string // of a small fixed set: an outcome, a class, a state
	ErrorType string // empty if there was no error
}

// Values returns the values in the order of in.Labels.
func (in *Instrument) Values(l Labels) []string {
	values := make([]string, len(in.Labels))
	for i, name := range in.Labels {
		switch name {
		case "operation":
			values[i] = l.Operation
		case "endpoint", "key":
			values[i] = l.Endpoint
		case "outcome", "class", "state":
			values[i] = l.Word
		case "error.type":
			values[i] = l.ErrorType
		}
	}
	return values
}

// ErrorType returns what a call that is over, or an attempt, failed with: the rule that
// decided, a name of the program's own tables; without one the class; and where nothing
// was sent that failed, why the call ended. Empty if it did not fail.
func ErrorType(c *retry.Call) string {
	switch {
	case !c.Failed:
		return ""
	case c.Rule != "":
		return c.Rule
	case c.Class == classify.Unclassified && c.Reason != "":
		return c.Reason
	}
	return c.Class.String()
}

// ErrorTypeOf is ErrorType of a verdict.
func ErrorTypeOf(v *classify.Verdict) string {
	switch {
	case v.Rule == "":
		return v.Class.String()
	case v.Status != 0 && http.StatusText(v.Status) == "" && strings.HasPrefix(v.Rule, "HTTP "):
		return "HTTP " + string(rune('0'+v.Status/100)) + "xx" // as retry.Call has it: a server can make up any
	}
	return v.Rule
}

// Names are the first so many different words of one kind. It is safe for concurrent use.
type Names struct {
	Most int

	mu    sync.Mutex
	known map[string]bool
}

// Of returns the word, printable, or Other if there have been enough others before.
func (n *Names) Of(name string) string {
	name = text.Line(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case name == "" || n.known[name]:
		return name
	case len(n.known) >= n.Most:
		return Other
	case n.known == nil:
		n.known = make(map[string]bool)
	}
	n.known[name] = true
	return name
}
