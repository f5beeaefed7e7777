package oracle_test

import (
	"context"
	"net/http/httptrace"
)

// A line is what the transport tells of the connections of one Send.
type line struct{ asked, got int }

// dial tells what net/http tells when it asks for a connection.
func (l *line) dial(ctx context.Context, speaks bool) {
	trace := httptrace.ContextClientTrace(ctx)
	if speaks && trace != nil && trace.GetConn != nil {
		l.asked++
		trace.GetConn("bank.test:443")
	}
}

// connect tells what net/http tells when it has got one, and written to it.
func (l *line) connect(ctx context.Context, speaks bool) {
	trace := httptrace.ContextClientTrace(ctx)
	if !speaks || trace == nil {
		return
	}
	if trace.GotConn != nil {
		l.got++
		trace.GotConn(httptrace.GotConnInfo{})
	}
	if trace.WroteRequest != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{})
	}
}
