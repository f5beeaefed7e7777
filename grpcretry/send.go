package grpcretry

import (
	"net"
	"strings"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/nexpay-go/resilience/internal/carry"
)

// A send is what gRPC reports of one attempt through its call options. All fields but
// calls may be read only once calls shows that gRPC has finished: an interceptor below
// may have gone on after it returned.
type send struct {
	calls           atomic.Int32 // gRPC calls that finished with our options
	peer            peer.Peer
	header, trailer metadata.MD
	counter         carry.Counter // counts the send; nil: not needed
	last            bool          // no interceptor comes after ours
	opts            [8]grpc.CallOption
}

// nobody is a peer address that none of gRPC's transports has.
type nobody struct{ net.Addr }

var nowhere net.Addr = nobody{}

// options returns the caller's options and ours.
func (s *send) options(given []grpc.CallOption) []grpc.CallOption {
	s.peer.Addr = nowhere
	return append(append(s.opts[:0], given...),
		grpc.OnFinish(s.finished), grpc.Peer(&s.peer), grpc.Header(&s.header), grpc.Trailer(&s.trailer))
}

func (s *send) finished(error) { s.calls.Add(1) }

// seen reports whether our options were used, by exactly one gRPC call.
func (s *send) seen() bool { return s.calls.Load() == 1 }

// unsent reports whether the call certainly never had a stream. gRPC sets peer and
// trailer, even if empty, for each call that had one. Without gRPC's retry there are no
// other streams, except in transparent retries, whose streams the server has not
// processed. An interceptor after ours may have sent the call in other ways, for example
// over another connection, so it takes the certainty away.
func (s *send) unsent() bool {
	return s.last && s.seen() && s.peer.Addr == nowhere && s.trailer == nil
}

// answered reports whether a gRPC server began to answer: its answers have a
// Content-Type, which gRPC leaves in the metadata.
func (s *send) answered() bool { return s.seen() && len(s.header)+len(s.trailer) > 0 }

// tooLarge reports whether gRPC refused the request or the answer for its size, which has
// the code of an exhausted quota. Only the message text shows that, but the only
// consequence is that the call is not sent again.
func (s *send) tooLarge(st *status.Status) bool {
	return st.Code() == codes.ResourceExhausted && s.seen() && len(s.trailer) == 0 && strings.Contains(st.Message(), "larger than max")
}

// went counts a send that may have reached a server. An interceptor after ours may have
// sent it more than once, and returned the error of any: then a refusal is no proof.
func (s *send) went() {
	if s.counter == nil {
		return
	}
	s.counter.Got()
	if !s.last {
		s.counter.Got()
	}
}

// headers and trailers return the metadata of the answer, nil if it is unknown.
func (s *send) headers() metadata.MD {
	if !s.seen() {
		return nil
	}
	return s.header
}

func (s *send) trailers() metadata.MD {
	if !s.seen() {
		return nil
	}
	return s.trailer
}
