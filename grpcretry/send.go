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

// A send is what gRPC lets its call options see of one attempt. The fields but calls may
// be read once calls says that gRPC has finished: something below may have gone on without us.
type send struct {
	calls           atomic.Int32 // that gRPC has finished with our options
	peer            peer.Peer
	header, trailer metadata.MD
	counter         carry.Counter // that is told of the send; nil: nobody asks
	opts            [8]grpc.CallOption
}

// nobody is a peer that none of gRPC's transports has.
type nobody struct{ net.Addr }

var nowhere net.Addr = nobody{}

// options are those of the caller, and ours.
func (s *send) options(given []grpc.CallOption) []grpc.CallOption {
	s.peer.Addr = nowhere
	return append(append(s.opts[:0], given...),
		grpc.OnFinish(s.finished), grpc.Peer(&s.peer), grpc.Header(&s.header), grpc.Trailer(&s.trailer))
}

func (s *send) finished(error) { s.calls.Add(1) }

// seen reports whether our options were heeded, by one call of gRPC's.
func (s *send) seen() bool { return s.calls.Load() == 1 }

// unsent reports whether the call is known never to have had a stream. gRPC sets peer and
// trailer, even if to nothing, of each call that ever had one; without gRPC's retry there are
// no others, and those that it repeats by itself had one that the server has not processed.
func (s *send) unsent() bool { return s.seen() && s.peer.Addr == nowhere && s.trailer == nil }

// answered reports whether something that speaks gRPC has begun to answer: its answers
// have a Content-Type, which gRPC leaves in the metadata.
func (s *send) answered() bool { return s.seen() && len(s.header)+len(s.trailer) > 0 }

// tooLarge reports whether gRPC would not send the request, or take the answer, for its
// size, for which it has the code of a used-up quota. Nothing but its words tells, but
// all that hangs on them is that the call is not sent again.
func (s *send) tooLarge(st *status.Status) bool {
	return st.Code() == codes.ResourceExhausted && s.seen() && len(s.trailer) == 0 && strings.Contains(st.Message(), "larger than max")
}

// went tells the counter of a send that may have got somewhere.
func (s *send) went() {
	if s.counter != nil {
		s.counter.Got()
	}
}

// headers and trailers are what came with the answer, nil if nobody can say.
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
