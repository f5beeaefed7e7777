package nexpay

import (
	"errors"
	"net/http"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/echo"
)

// blot removes from the printed texts of err what the answer repeats of the request.
// Messages such as "Wrong signature for <text>" are common, and not only from hostile
// servers. Data stays as it is: it is for the program and is never printed.
func blot(req *http.Request, err error) {
	e, ok := errors.AsType[*classify.Error](err)
	if !ok || e == nil {
		return
	}
	classify.Nexpay().Redact(e, func(texts []*string) {
		echo.Blot(texts, slices.Concat(credentials(req), echo.Values(req.URL.RawQuery), echo.Values(body(req))))
	})
}

// blot removes credentials from the texts for people. A paymentId that contains one
// is invalid, because it is printed, stored and passed on.
func (p *PaymentStatus) blot(req *http.Request) error {
	id := p.PaymentID
	echo.Blot([]*string{&id, &p.RejectReason, &p.ExecutionTime}, credentials(req))
	if id != p.PaymentID {
		*p = PaymentStatus{}
		return classify.Undecodable(mistake("nexpay: the paymentId contains the key or a signature of the request"))
	}
	return nil
}

// credentials returns the key, the signatures, and the values of the caller's own
// secret headers.
func credentials(req *http.Request) []string {
	texts := []string{req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature")}
	form, _ := ParseForm(body(req))
	order, _ := form.Get(signatureField)
	return slices.Concat(texts, echo.Long([]string{order}), echo.Headers(req.Header))
}

// body returns the body of a signed request, which can be read again.
func body(req *http.Request) string {
	if req.GetBody == nil {
		return ""
	}
	raw, err := readBody(req)
	if err != nil {
		return ""
	}
	return string(raw)
}
