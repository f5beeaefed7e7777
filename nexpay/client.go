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

// A Client makes signed calls. Each call is one HTTP send: sending again is
// what package retry is for. Every call needs a nonce ticket in its context, as
// [Signer.Sign] does. A Client is safe for concurrent use as long as its fields
// are left alone, and must not be copied after first use.
type Client struct {
	BaseURL string  // such as https://host, without query; required. A path in it is signed with the rest
	Signer  *Signer // required

	// HTTP sends the requests. Redirects are refused unless it has a
	// CheckRedirect of its own: package net/http carries X-API-KEY, signature
	// and body to whatever host a 307 names. Nil: a client shared by all that
	// leave this nil, which gives up on a connection after 5 s, on the head of
	// an answer after 10 s and on the whole call after 15 s.
	HTTP *http.Client

	proper atomic.Pointer[string] // the BaseURL that has answered as the API does, nil if none has
}

// NewRequest makes a request, yet unsigned. The path begins with "/" and holds
// no query; the parameters become the query of a GET, HEAD or DELETE and the
// body of anything else, in their order. They may be nil.
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
		return nil, unsent("nexpay: cannot make a request: the method is not a word, or the context is nil")
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "identity") // see DisableCompression below
	if !inQuery {
		req.Header.Set("Content-Type", formType)
	}
	return req, nil
}

// url joins BaseURL and path. It reports everything wrong with them and quotes
// neither: a URL can hold a password.
func (c *Client) url(path string) (*url.URL, error) {
	var errs []error
	base, err := url.Parse(c.BaseURL)
	switch {
	case c.BaseURL == "":
		errs = append(errs, unsent("nexpay: Client.BaseURL is empty"))
	case err != nil || base.Host == "" || base.Scheme != "https" && base.Scheme != "http":
		errs = append(errs, unsent("nexpay: Client.BaseURL is not an http or https URL"))
	case base.User != nil || strings.ContainsAny(c.BaseURL, "?#"):
		errs = append(errs, unsent("nexpay: Client.BaseURL holds more than scheme, host and path"))
	}
	if !strings.HasPrefix(path, "/") || strings.ContainsAny(path, "?#") {
		errs = append(errs, unsent(`nexpay: a path begins with "/" and holds no "?" or "#"`))
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

// Do signs the request, sends it once and reads the JSON answer into v; see
// [classify.ReadJSON] for its errors and for what nil as v means. An error from
// before anything was written, [ErrNoTicket] among them, has a method NotSent by
// which package classify takes it for fatal and not applied. If there was no
// answer Do returns a *url.Error without query, user name or anything an
// answer may have held in its text, but with the whole chain for errors.Is and
// errors.As; that of a closed Request.Cancel is context.Canceled. Requests are best made
// by NewRequest.
//
// What the answer echoes of the request is blotted out of its messages, its trace id
// and its codes, as far as those are not the API's own, before anybody can print them: key, signature, credentials in other
// headers, and the values of parameters of eight bytes and more. Capitals, groups,
// percent-encoding and HTML make no difference, and any run of sixteen letters and
// digits counts. But a server that is out to leak them, and encodes them in a way
// of its own (base64, ten characters at a time), gets them through: do not show
// its messages to people who may not see the request.
//
// A request goes onto the wire once, whatever the server does: package net/http
// is kept from resending it by itself, for which it would need GetBody, or to
// know over HTTP/2 that there is no body. What a server says over HTTP/2 that it
// did nothing with (it refuses the stream, or goes away before it) is not applied,
// and retryable. What Do cannot see to is what comes after it: a RoundTripper of your own that repeats
// requests, a CheckRedirect of your own that follows, a proxy.
//
// One thing is out of reach here: what a server writes onto a connection after
// its answer, package net/http logs in part, through package log.
func (c *Client) Do(req *http.Request, v any) error {
	_, err := c.exchange(req, v)
	return err
}

// exchange is Do. It returns the response as well, read and closed, or nil if
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
	defer end() // of what waits for Request.Cancel
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

// answeredTo remembers that the API has answered, if it was the request's base
// URL that did.
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
// clients decode {"accounts":[{"iban","status","balance"}]}; the vendor documents
// no fields. Good for a first call: it changes nothing.
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

// client returns the client to send with. The caller's own is copied, never
// changed.
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
		DisableCompression:     true, // or a bound on what is read would not bound what is received
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConnsPerHost:    16,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}
})

// A single is what one request is sent with: it watches whether there is a
// connection, keeps the request from being repeated, and takes away where a redirect
// leads to. CheckRedirect would come too late for that: a Location that cannot be
// parsed ends in an error that quotes it, and it may quote the request.
type single struct {
	next   http.RoundTripper
	refuse bool // redirects
	watch  wire.Watch
}

var errMistake error = unsent("nexpay: the request has a mistake in it")

func (t *single) RoundTrip(req *http.Request) (*http.Response, error) {
	if wire.Direct(t.next) && wire.Mistake(req) != "" {
		_ = req.Body.Close()
		return nil, errMistake
	}
	//lint:ignore SA1019 it is deprecated, and http.Client still sets it
	if wish := req.Cancel; wish != nil {
		ctx, _ := wire.Heed(req.Context(), wish) // ends with the exchange
		req = req.WithContext(ctx)
	}
	resp, err := t.next.RoundTrip(t.watch.Watched(req, t.next, true))
	if err == nil && resp != nil && t.refuse && resp.StatusCode/100 == 3 {
		resp.Header.Del("Location")
	}
	return resp, err
}
