package metrics

import (
	"net/http"
	"strings"
	"sync"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
	"github.com/nexpay-go/resilience/retry"
)

// Other replaces all values beyond a bound.
const Other = "other"

// Labels identify a series of one instrument. Those that the instrument does not have are
// empty.
type Labels struct {
	Operation string // the program's own word
	Endpoint  string // the program's own word; for lanes and lockouts the name of the key
	Word      string // from a small fixed set: an outcome, a class, a state
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

// ErrorType returns the error type of a call that has ended, or of an attempt: the rule that
// decided, which is a name in the program's own tables; without a rule the class; and if no
// attempt failed, the reason of the call. Empty means success.
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
		return "HTTP " + string(rune('0'+v.Status/100)) + "xx" // as in retry.Call: a server can invent any status
	}
	return v.Rule
}

// Names holds the first different words of one kind, up to a limit. It is safe for
// concurrent use.
type Names struct {
	Most int

	mu    sync.Mutex
	known map[string]bool
}

// Of returns the word, made printable, or Other if the limit is reached.
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
