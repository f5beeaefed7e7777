package nexpay

import (
	"errors"
	"net/http"
	"slices"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/echo"
)

// blot takes what the answer echoes of the request out of the texts of err that
// get printed. Messages like "Wrong signature for <text>" are common, and not
// only with hostile servers. Data stays as it is: it is for the program, and
// never printed.
func blot(req *http.Request, err error) {
	e, ok := errors.AsType[*classify.Error](err)
	if !ok || e == nil {
		return
	}
	classify.Nexpay().Redact(e, func(texts []*string) {
		echo.Blot(texts, slices.Concat(credentials(req), echo.Values(req.URL.RawQuery), echo.Values(body(req))))
	})
}

// blot takes credentials out of the texts for people. An id that holds them is
// none: it gets printed, stored and handed on.
func (p *PaymentStatus) blot(req *http.Request) error {
	id := p.PaymentID
	echo.Blot([]*string{&id, &p.RejectReason, &p.ExecutionTime}, credentials(req))
	if id != p.PaymentID {
		*p = PaymentStatus{}
		return classify.Undecodable(mistake("nexpay: the paymentId repeats the key or a signature of the request"))
	}
	return nil
}

// credentials are the key, the signatures, and what the caller's own headers hold.
func credentials(req *http.Request) []string {
	texts := []string{req.Header.Get("X-API-KEY"), req.Header.Get("X-Signature")}
	form, _ := ParseForm(body(req))
	order, _ := form.Get(signatureField)
	return slices.Concat(texts, echo.Long([]string{order}), echo.Headers(req.Header))
}

// body is that of a signed request, which can be read again.
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
