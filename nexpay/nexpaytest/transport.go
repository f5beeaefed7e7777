package nexpaytest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// RoundTripper returns the bank as the transport of an http.Client, without a network
// and without goroutines: in a synctest bubble its delays are virtual. It answers for
// every host. A reset is a *net.OpError with ECONNRESET, as over TCP.
//
//	synctest.Test(t, func(t *testing.T) {
//		bank, credentials := nexpaytest.NewKeyed() // inside the bubble
//		client := newClient(credentials, bank.RoundTripper())
//		bank.Script(nexpaytest.Fault{DelayAfter: 30 * time.Minute})
//		… // takes half an hour of virtual time, and no real time
//	})
func (b *Bank) RoundTripper() http.RoundTripper { return transport{b} }

type transport struct{ bank *Bank }

func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	c, err := outgoing(req)
	if err != nil {
		return nil, err
	}
	if !t.bank.enter() {
		return nil, errReset
	}
	defer t.bank.busy.Done()
	a, err := t.bank.serve(req.Context(), c)
	if err != nil {
		return nil, err
	}
	return a.response(req), nil
}

// outgoing reads the request as it would be sent, and always closes its body.
func outgoing(req *http.Request) (*call, error) {
	body := req.Body
	if body == nil {
		body = http.NoBody
	}
	defer func() { _ = body.Close() }() // it has been read
	switch {
	case req.URL == nil:
		return nil, errors.New("nexpaytest: the request has no URL")
	case req.URL.Host == "":
		return nil, errors.New("nexpaytest: the request's URL has no host")
	case req.Context().Err() != nil:
		return nil, context.Cause(req.Context())
	}
	header := make(http.Header, len(req.Header))
	for name, values := range req.Header { // a server sees canonical names
		for _, value := range values {
			header.Add(name, value)
		}
	}
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	c, err := newCall(method, req.URL, header, body)
	if err == nil && req.ContentLength > 0 && req.ContentLength != int64(c.size) && c.size <= maxBody {
		err = fmt.Errorf("nexpaytest: ContentLength is %d, the body has %d bytes", req.ContentLength, c.size)
	}
	return c, err
}

func (a *answer) response(req *http.Request) *http.Response {
	header := a.header.Clone()
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	resp := &http.Response{
		Status: fmt.Sprintf("%d %s", a.status, http.StatusText(a.status)), StatusCode: a.status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, Body: http.NoBody, Request: req,
	}
	if !a.hasBody(req.Method) {
		return resp
	}
	promised, sent := a.parts()
	header.Set("Content-Length", strconv.Itoa(promised))
	resp.ContentLength = int64(promised)
	var body io.Reader = bytes.NewReader(sent)
	if len(sent) < promised {
		body = io.MultiReader(body, broken{})
	}
	resp.Body = io.NopCloser(body)
	return resp
}

// broken is the point at which a truncated body ends.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
