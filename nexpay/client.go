package nexpay

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/wire"
)

// A Client makes signed calls. Each call sends one HTTP request; package retry makes
// the retries. Every call needs a nonce ticket in its context, see [Signer.Sign]. A
// Client is safe for concurrent use while its fields are not changed. It must not be
// copied after first use.
type Client struct {
	BaseURL string  // such as https://host, without query; required. A path in it is part of what is signed
	Signer  *Signer // required

	// HTTP sends the requests. Redirects are refused unless it has its own
	// CheckRedirect: package net/http sends X-API-KEY, signature and body to any host
	// that a 307 names. Nil: a client shared by all Clients without HTTP, with
	// timeouts of 5 s for a connection, 10 s for the response header and 15 s for the
	// whole call.
	HTTP *http.Client

	proper atomic.Pointer[string] // the BaseURL that has answered like the API, nil if none has
}

// NewRequest returns a request that is not yet signed. The path begins with "/" and
// has no query. The parameters may be nil; they become the query of a GET, HEAD or
// DELETE and the body of any other method, in their order.
func (c *Client) NewRequest(ctx context.Context, method, path string, params Form) (*http.Request, error) {
	u, err := c.url(path)
	if err != nil {
		return nil, err
	}
	inQuery := method == "" || method == http.MethodGet || method == http.MethodHead || method == http.MethodDelete
	body := params.Encode()
	if inQuery {
		u.RawQuery, body = body, ""
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil, unsent("nexpay: cannot make a request: the method is not an HTTP token, or the context is nil")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity") // see DisableCompression below
	if !inQuery {
		req.Header.Set("Content-Type", formType)
	}
	return req, nil
}

// url joins BaseURL and path. It reports all problems at once and quotes neither: a
// URL can contain a password.
func (c *Client) url(path string) (*url.URL, error) {
	var errs []error
	base, err := url.Parse(c.BaseURL)
	switch {
	case c.BaseURL == "":
		errs = append(errs, unsent("nexpay: Client.BaseURL is empty"))
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		errs = append(errs, unsent("nexpay: Client.BaseURL is not an http or https URL"))
	case base.User != nil || strings.ContainsAny(c.BaseURL, "?#"):
		errs = append(errs, unsent("nexpay: Client.BaseURL has more than a scheme, a host and a path"))
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") {
		errs = append(errs, unsent(`nexpay: the path must begin with "/" and have no "?" or "#"`))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	u, err := url.Parse(strings.TrimRight(c.BaseURL, "/") + path)
	if err != nil {
		return nil, unsent("nexpay: the path is not properly encoded")
	}
	return u, nil
}

// Do signs the request, sends it once and decodes the JSON answer into v; see
// [classify.ReadJSON] for its errors and for the meaning of a nil v. Requests are
// best made by NewRequest.
//
// An error from before anything was written, such as [ErrNoTicket], has a method
// NotSent; package classify then classifies it as fatal and not applied. If there was
// no answer, Do returns a *url.Error. Its text has no query, no user name and nothing
// of an answer, but errors.Is and errors.As find the whole chain. After a closed
// Request.Cancel the chain has context.Canceled.
//
// Do redacts what the answer repeats of the request, before anything is printed. It
// redacts the answer's messages, its trace id, and those of its codes that the API
// does not document. It looks for the key, the signature, credentials in other
// headers, and parameter values of 8 bytes or more. Letter case, grouping,
// percent-encoding and HTML escaping make no difference, and any run of 16 letters
// and digits is matched. This does not stop a hostile server that uses an encoding of
// its own (base64, ten characters at a time): do not show its messages to people who
// may not see the request.
//
// A request is written once: Do keeps package net/http from resending it, which
// net/http does if there is a GetBody or, over HTTP/2, if it knows that there is no
// body. If an HTTP/2 server reports that it did not process the request (it refused
// the stream, or sent GOAWAY before it), the error is retryable and not applied. Do
// cannot prevent resends beyond it: by your own RoundTripper, by your own
// CheckRedirect that follows redirects, or by a proxy.
//
// If a server writes to a connection after its answer, package net/http logs a part
// of that through package log. Do cannot prevent this.
func (c *Client) Do(req *http.Request, v any) error {
	_, err := c.exchange(req, v)
	return err
}

// exchange implements Do. It also returns the response, read and closed, or nil if
// there was none.
func (c *Client) exchange(req *http.Request, v any) (*http.Response, error) {
	if err := c.Signer.Sign(req); err != nil {
		return nil, err
	}
	body, err := fresh(req)
	if err != nil {
		return nil, err
	}
	var written atomic.Bool
	ctx, end := context.WithCancel(req.Context())
	defer end() // stops waiting for Request.Cancel
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { written.Store(true) }})
	once := req.WithContext(ctx)
	once.Body, once.GetBody = body, nil
	send := &single{next: c.transport(), refuse: c.HTTP == nil || c.HTTP.CheckRedirect == nil}
	resp, err := c.client(send).Do(once)
	if err != nil {
		if unsent, asked := send.watch.Unsent(); unsent {
			return nil, wire.NotSent(req, err, asked)
		}
		if wire.IsUnprocessed(err) {
			return nil, wire.NotProcessed(req, err)
		}
		return nil, wire.Unanswered(req, err, written.Load())
	}
	err = classify.ReadJSON(resp, v)
	blot(req, err)
	if printed, ok := v.(interface{ blot(*http.Request) error }); ok && err == nil {
		err = printed.blot(req)
	}
	if err == nil && v != nil && fromCache(resp) == "" {
		c.answeredTo(req)
	}
	return resp, err
}

// answeredTo records that the API has answered, if the request went to BaseURL.
func (c *Client) answeredTo(req *http.Request) {
	base := c.BaseURL
	if !c.answered() && strings.HasPrefix(req.URL.String(), strings.TrimRight(base, "/")+"/") {
		c.proper.Store(&base)
	}
}

// answered reports whether a call to BaseURL has been answered properly.
func (c *Client) answered() bool {
	base := c.proper.Load()
	return base != nil && *base == c.BaseURL
}

// AccountStatus returns the state of the account as the API describes it. Public
// clients decode {"accounts":[{"iban","status","balance"}]}; the vendor documents no
// fields. It is a good first call, because it changes nothing.
func (c *Client) AccountStatus(ctx context.Context) (json.RawMessage, error) {
	req, err := c.NewRequest(ctx, http.MethodGet, "/api/1/eurowallet/status", nil)
	if err != nil {
		return nil, err
	}
	var answer json.RawMessage
	if err := c.Do(req, &answer); err != nil {
		return nil, err
	}
	return answer, nil
}

// client returns the HTTP client for one request: a copy of the caller's own.
func (c *Client) client(send *single) *http.Client {
	own := http.Client{Timeout: 15 * time.Second}
	if c.HTTP != nil {
		own = *c.HTTP
	}
	own.Transport = send
	return &own
}

func (c *Client) transport() http.RoundTripper {
	switch {
	case c.HTTP == nil:
		return defaultTransport()
	case c.HTTP.Transport == nil:
		return http.DefaultTransport
	}
	return c.HTTP.Transport
}

var defaultTransport = sync.OnceValue(func() *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout:    5 * time.Second,
		ResponseHeaderTimeout:  10 * time.Second,
		DisableCompression:     true, // a limit on decompressed bytes would not limit what is received
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
})

// A single sends one request. It records whether there was a connection, keeps the
// request from being resent, and removes the target of a redirect. CheckRedirect
// would come too late for that: an error about a Location that cannot be parsed
// quotes it, and the Location may quote the request.
type single struct {
	next   http.RoundTripper
	refuse bool // redirects
	watch  wire.Watch
}

var errMistake error = unsent("nexpay: the request is invalid: net/http would not send it")

func (t *single) RoundTrip(req *http.Request) (*http.Response, error) {
	if wire.Direct(t.next) && wire.Mistake(req) != "" {
		_ = req.Body.Close()
		return nil, errMistake
	}
	//lint:ignore SA1019 deprecated, but http.Client still sets it
	if wish := req.Cancel; wish != nil {
		ctx, _ := wire.Honour(req.Context(), wish) // ends with the exchange
		req = req.WithContext(ctx)
	}
	resp, err := t.next.RoundTrip(t.watch.Watched(req, t.next, true))
	if err == nil && resp != nil && t.refuse && resp.StatusCode/100 == 3 {
		resp.Header.Del("Location")
	}
	return resp, err
}
