package classify

import (
	"io"
	"net/http"
	"slices"

	"github.com/nexpay-go/resilience/internal/echo"
)

// blot removes from the printed texts of err what the answer repeats of its request.
// Messages such as "No such account: <token>" are common, and not only from hostile
// servers.
func (c *Catalog) blot(resp *http.Response, err error) error {
	e, ok := err.(*Error)
	if !ok || resp.Request == nil || len(e.Details) == 0 && e.TraceID == "" {
		return err
	}
	req := resp.Request
	secrets := slices.Concat(echo.Headers(req.Header), echo.Words(beginning(req)))
	if u := req.URL; u != nil {
		password, _ := u.User.Password() // of nil, too
		secrets = slices.Concat(secrets, echo.Long([]string{u.User.Username(), password}), echo.Values(u.RawQuery))
	}
	if len(secrets) > 0 {
		c.Redact(e, func(texts []*string) { echo.Blot(texts, secrets) })
	}
	return e
}

// beginning returns the beginning of a request's body, if it can be read again.
func beginning(req *http.Request) string {
	if req.GetBody == nil {
		return ""
	}
	body, err := req.GetBody()
	if err != nil || body == nil {
		return ""
	}
	defer body.Close()
	text, _ := io.ReadAll(io.LimitReader(body, maxBody))
	return string(text)
}
