package redact_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/nexpay-go/resilience/internal/redact"
	"github.com/nexpay-go/resilience/internal/wire"
)

const secret = "4711-SECRET"

const link = "https://user:" + secret + "@api.example/pay?iban=" + secret

// An own error is one whose text is fit to be logged.
type own struct{ text string }

func (o *own) Error() string     { return secret + o.text }
func (o *own) SafeError() string { return o.text }

type coded int

func (coded) Error() string    { return secret }
func (c coded) ErrorCode() int { return int(c) }

type slow struct{}

func (slow) Error() string   { return secret }
func (slow) Timeout() bool   { return true }
func (slow) Temporary() bool { return true }

// A broken error panics whatever it is asked.
type broken struct{ error }

func (broken) Unwrap() error { panic(secret) }

// A chain wraps what it is told to, itself too.
type chain struct{ inner error }

func (c *chain) Error() string { return secret }
func (c *chain) Unwrap() error { return c.inner }

type tree struct{ parts []error }

func (t *tree) Error() string   { return secret }
func (t *tree) Unwrap() []error { return t.parts }

type addr string

func (a addr) Network() string { return string(a) }
func (a addr) String() string  { return string(a) }

const notShown = " (its text may hold request data and is not shown: see SafeError and Config.ShowErrors)"

func TestText(t *testing.T) {
	refused := &net.OpError{Op: "dial", Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443},
		Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	plain := errors.New(secret)
	endless := &tree{parts: make([]error, 2)}
	endless.parts[0], endless.parts[1] = endless, endless
	loop := &chain{}
	loop.inner = loop

	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"nil":                    {nil, "<nil>"},
		"plain text":             {plain, "*errors.errorString" + notShown},
		"one that vouches":       {&own{"closed"}, "closed"},
		"wrapped":                {fmt.Errorf("%s: %w", secret, &own{"closed"}), "closed"},
		"of several lines":       {&own{"closed\x1b[2J\nfor good"}, "closed[2Jfor good"},
		"longer than a line":     {&own{strings.Repeat("x", 4<<10)}, strings.Repeat("x", 4<<10)},
		"longer than 4 KiB":      {&own{strings.Repeat("x", 4<<10+1)}, strings.Repeat("x", 4<<10)},
		"a code":                 {coded(17), "error code 17"},
		"0 is no code":           {coded(0), "redact_test.coded" + notShown},
		"an errno":               {syscall.ECONNRESET, "connection reset by peer"},
		"a sentinel":             {context.Canceled, "context canceled"},
		"joined":                 {errors.Join(plain, &own{"a"}, io.EOF, coded(1), &own{"fourth"}), "a; EOF; error code 1"},
		"joined, none of them":   {errors.Join(plain, plain), "*errors.joinError" + notShown},
		"url.Error":              {&url.Error{Op: "Post", URL: link, Err: refused}, "no answer to HTTP POST: dial 127.0.0.1:443: connection refused"},
		"url.Error, anything":    {&url.Error{Op: "Get", URL: link, Err: plain}, "no answer to HTTP GET: *errors.errorString"},
		"url.Error, no method":   {&url.Error{Op: secret, URL: link, Err: io.EOF}, "no answer to HTTP request: EOF"},
		"url.Error, nothing":     {&url.Error{Op: "Get", URL: link}, "no answer to HTTP GET: <nil>"},
		"url.Error, nil pointer": {&url.Error{Op: "Get", URL: link, Err: (*own)(nil)}, "no answer to HTTP GET: *redact_test.own"},
		"OpError by hand":        {&net.OpError{Op: secret, Net: secret, Addr: addr(secret), Err: os.NewSyscallError(secret, io.EOF)}, "network: EOF"},
		"OpError, nil address":   {&net.OpError{Op: "read", Addr: (*net.TCPAddr)(nil), Err: io.EOF}, "read: EOF"},
		"OpError, a timeout":     {&net.OpError{Op: "read", Err: &chain{slow{}}}, "read: timeout"},
		"DNS":                    {&net.DNSError{Err: "no such host", Name: "api.example"}, "lookup api.example: no such host"},
		"an alert by hand":       {&net.OpError{Op: "remote error", Err: plain}, "remote error: *errors.errorString"},
		"an alert":               {&net.OpError{Op: "remote error", Err: tls.AlertError(40)}, "remote error: tls: handshake failure"},
		"a certificate": {&tls.CertificateVerificationError{Err: x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{secret}}, Host: secret}},
			"tls: failed to verify certificate: x509: certificate is not valid for the host that was called"},
		"a check of a certificate": {&tls.CertificateVerificationError{Err: &chain{(*own)(nil)}}, "tls: failed to verify certificate: certificate not accepted"},
		"plain HTTP":               {http.ErrSchemeMismatch, http.ErrSchemeMismatch.Error()},
		"a timeout":                {slow{}, "timeout"},
		"a nil pointer":            {(*own)(nil), "*redact_test.own" + notShown},
		"a nil *url.Error":         {(*url.Error)(nil), "*url.Error" + notShown},
		"a wrapped nil pointer":    {fmt.Errorf("%d: %w", 1, (*own)(nil)), "*redact_test.own" + notShown},
		"a wrapped text":           {fmt.Errorf("%d: %w", 1, plain), "*errors.errorString" + notShown},
		"a wrapped nil":            {fmt.Errorf("%d: %w", 1, error(nil)), "*fmt.wrapError" + notShown},
		"a mark":                   {fmt.Errorf("%d: %w", 1, &wire.Mark{Err: &tree{}}), "*redact_test.tree" + notShown},
		"url.Error, wrapped":       {&url.Error{Op: "Get", URL: link, Err: fmt.Errorf("%d: %w", 1, plain)}, "no answer to HTTP GET: *errors.errorString"},
		"a joined nil pointer":     {errors.Join((*own)(nil), &own{"closed"}), "closed"},
		"one that panics":          {broken{}, "redact_test.broken" + notShown},
		"one that wraps itself":    {loop, "*redact_test.chain" + notShown},
		"that twice":               {endless, "*redact_test.tree" + notShown},
	} {
		t.Run(name, func(t *testing.T) { require.Equal(t, tt.want, redact.Text(tt.err)) })
	}
}

// It looks 32 errors deep.
func TestDepth(t *testing.T) {
	var err error = &own{"closed"}
	for range 32 {
		err = &chain{err}
	}
	require.Equal(t, "closed", redact.Text(err))
	require.Equal(t, "*redact_test.chain"+notShown, redact.Text(&chain{err}))
}
