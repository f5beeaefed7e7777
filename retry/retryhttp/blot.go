package retryhttp

import (
	"errors"
	"io"
	"net/http"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/echo"
)

// mostBody is how much of a request's body is searched for what an answer echoes.
const mostBody = 64 << 10

// blot removes what the answer echoes of the request from the texts of err that get
// printed. The caller's response is unchanged.
func (x *exchange) blot(out *http.Request, err error) {
	e, ok := errors.AsType[*classify.Error](err)
	if !ok || e == nil || len(e.Details) == 0 && e.TraceID == "" {
		return
	}
	user := out.URL.User
	password, _ := user.Password() // of nil, too
	x.catalog.Redact(e, func(texts []*string) {
		echo.Blot(texts, slices.Concat(
			echo.Headers(out.Header), echo.Long([]string{user.Username(), password}),
			echo.Values(out.URL.RawQuery), echo.Words(x.body.text()), echo.Words(x.kept.text())))
	})
}

// text returns the beginning of a body that can be read again.
func (b *body) text() string {
	if b.get == nil {
		return ""
	}
	again, err := b.get()
	if err != nil || again == nil {
		return ""
	}
	defer again.Close()
	text, _ := io.ReadAll(io.LimitReader(again, mostBody))
	return string(text)
}
