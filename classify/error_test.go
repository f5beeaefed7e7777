package classify_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/classify"
)

func TestErrorText(t *testing.T) {
	details := []classify.Detail{{Code: "50", Message: "Nonce is not monotonous"}, {Code: "7"}, {Message: "odd"}, {}, {Code: "1"}}
	var none *classify.Error
	for want, e := range map[string]*classify.Error{
		"<nil>":     none,
		"API error": {},
		"HTTP 502":  {Status: 502},
		"HTTP 403: 50 Nonce is not monotonous (trace 5f2c)":                 {Status: 403, Details: details[:1], TraceID: "5f2c"},
		"HTTP 403: 50 Nonce is not monotonous; 7; odd":                      {Status: 403, Details: details[:3]},
		"HTTP 403: 50 Nonce is not monotonous; 7; odd and 2 more (trace x)": {Status: 403, Details: details, TraceID: "x"},
		"HTTP 400: no code": {Status: 400, Details: details[3:4]},
	} {
		require.Equal(t, want, e.Error())
	}
}

// What a server says cannot be taken for what we say.
func TestMessagesThatAreMoreThanWords(t *testing.T) {
	for message, want := range map[string]string{
		"Nonce is not monotonous":                  "50 Nonce is not monotonous",
		"Überweisung für 株式会社, 5 € [EUR] – don't!": "50 Überweisung für 株式会社, 5 € [EUR] – don't!",
		"x (trace 1)":            `50 "x (trace 1)"`,
		"x; 100 API key locked":  `50 "x; 100 API key locked"`,
		"Unknown symbol: BTCUSD": `50 "Unknown symbol: BTCUSD"`,
		`a "b" c`:                `50 "a \"b\" c"`,
		`a \ c`:                  `50 "a \\ c"`,
		"x （trace 1）":            `50 "x （trace 1）"`,
		"x： y":                   `50 "x： y"`,
		" x":                     `50 " x"`,
		"x\u00a0y":               "50 \"x\u00a0y\"",
		"":                       "50",
	} {
		require.Equal(t, "HTTP 403: "+want, (&classify.Error{Status: 403, Details: []classify.Detail{{Code: "50", Message: message}}}).Error())
	}
	for message, want := range map[string]string{"odd": "odd", "100 API key locked": `"100 API key locked"`, "-1 x": `"-1 x"`} {
		require.Equal(t, "HTTP 403: "+want, (&classify.Error{Status: 403, Details: []classify.Detail{{Message: message}}}).Error())
	}
}

func TestDataIsNeverPrinted(t *testing.T) {
	const secret = "card 4111"
	e := classify.Decode(400, nil, []byte(`{"errors":[{"code":30010,"message":"bad","data":"`+secret+`"}]}`))
	require.Equal(t, secret, e.Details[0].Data)
	d := e.Details[0]

	for _, v := range []any{e, *e, d, &d, e.Details, struct{ E any }{*e}, fmt.Errorf("wrapped: %w", e), []any{e, d}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
			text := fmt.Sprintf(verb, v)
			require.NotContains(t, text, secret, "%s of %T", verb, v)
			require.NotContains(t, text, fmt.Sprintf("%x", secret), "%s of %T", verb, v)
		}
		var log bytes.Buffer
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		require.NotContains(t, log.String(), secret, "%T", v)
		text, err := json.Marshal(v)
		require.NoError(t, err)
		require.NotContains(t, string(text), secret, "%T", v)
	}
	require.Equal(t, `"HTTP 400: 30010 bad"`, fmt.Sprintf("%q", e))
	require.Equal(t, "30010 bad", fmt.Sprintf("%+v", d))
	require.Equal(t, "<nil>", fmt.Sprintf("%v", (*classify.Error)(nil)))
}

func TestComplete(t *testing.T) {
	var none *classify.Error
	require.False(t, none.Complete())
	require.True(t, answer(403, "50").Complete(), "made by hand")
	require.False(t, answer(403).Complete())
	require.False(t, answer(403, "50", "").Complete())
	require.False(t, (&classify.Error{Status: 403, Details: make([]classify.Detail, 17)}).Complete())

	one := `{"code":50}`
	for body, want := range map[string]bool{
		`{"errors":[` + one + `]}`: true,
		` {"errors" : [` + one + `,` + one + `] , "traceId" : "x"}` + "\n": true,
		`{"errors":[` + one + strings.Repeat(","+one, 15) + `]}`:           true,
		`{"errors":[` + one + strings.Repeat(","+one, 16) + `]}`:           false,
		`{"errors":[` + one + `]`:                                          false,
		`{"errors":[` + one + `]}x`:                                        false,
		`{"errors":[` + one + `]}{}`:                                       false,
		`{"errors":[` + one + `,{}]}`:                                      false,
		`{"errors":[` + one + `,7]}`:                                       false,
		`{"errors":` + one + `}`:                                           false,
		`{"errors":[` + one + `]}` + strings.Repeat(" ", 64<<10):           false,
		`{"errors":[]}`:                                                    false,
		`{}`:                                                               false,
		``:                                                                 false,
		`<html>`:                                                           false,
	} {
		e := classify.Decode(403, nil, []byte(body))
		require.Equal(t, want, e.Complete(), body)
		if len(e.Details) > 0 {
			require.Equal(t, want, classify.Nexpay().Classify(e).Effect == classify.NotApplied, body)
		}
	}
}

func TestUndecodable(t *testing.T) {
	require.NoError(t, classify.Undecodable(nil))

	var v struct{ Amount int }
	for _, body := range []string{`{"Amount":"secret"}`, `{"Amount":5551234.5}`, `§secret`, `{"Amount":1}5551234`} {
		cause := json.Unmarshal([]byte(body), &v)
		err := classify.Undecodable(fmt.Errorf("reading %s: %w", body, cause))
		for _, text := range []string{err.Error(), fmt.Sprintf("%+v", err), fmt.Sprintf("%#v", err)} {
			require.NotContains(t, text, "secret")
			require.NotContains(t, text, "5551234")
			require.NotContains(t, text, "§")
		}
		require.ErrorIs(t, err, cause)
	}
	require.EqualError(t, classify.Undecodable(errors.New("secret")), "unreadable answer: *errors.errorString")
}

// How reading ended is told by the errors whose texts are known, and by no other.
func TestUndecodableConnection(t *testing.T) {
	reset := &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	for _, tt := range []struct {
		err  error
		want string
	}{
		{reset, "connection broke off while reading the answer: connection reset by peer"},
		{fmt.Errorf("secret: %w", reset), "connection broke off while reading the answer: connection reset by peer"},
		{syscall.EPIPE, "connection broke off while reading the answer: broken pipe"},
		{&net.OpError{Op: "read", Err: errors.New("secret")}, "connection broke off while reading the answer"},
		{&net.OpError{Op: "read", Err: os.ErrDeadlineExceeded}, "timeout while reading the answer"},
		{os.ErrDeadlineExceeded, "timeout while reading the answer"},
		{context.DeadlineExceeded, "timeout while reading the answer"},
		{fmt.Errorf("secret: %w", context.DeadlineExceeded), "timeout while reading the answer"},
		{context.Canceled, "canceled while reading the answer"},
	} {
		require.EqualError(t, classify.Undecodable(tt.err), "unreadable answer: "+tt.want)
	}
}
