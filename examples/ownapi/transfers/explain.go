package transfers

import (
	"errors"
	"fmt"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/retry"
)

// Explain tells a customer why a transfer failed, and support where to look.
func Explain(err error) string {
	var end *retry.Error // how the call ended
	if !errors.As(err, &end) {
		return err.Error()
	}
	var answer *classify.Error // what the API said last, if it answered
	if errors.As(err, &answer) {
		for _, d := range answer.Details {
			if d.Code == end.Verdict.Code { // of several, the one that decided
				return fmt.Sprintf("%s: %s (support: %s), %v", d.Code, d.Message, end.TraceID, end.Effect)
			}
		}
	}
	return end.Error() // no URL, no header, no body: fit for a log, as err of http.Client is not
}
