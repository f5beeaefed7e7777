package grpcretry

import (
	"net/http"
	"slices"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/echo"
)

// mostRequest is the largest request, in bytes, that is searched for in an answer.
const mostRequest = 64 << 10

// blot removes what an answer repeats of the request from the texts that are printed. If
// the request is too large or not protobuf, no message is shown.
func (c *call) blot(e *classify.Error) {
	request, ok := c.words()
	if !ok && e.Details[0].Message != "" {
		e.Details[0].Message = "message not shown"
	}
	md, _ := metadata.FromOutgoingContext(c.Context)
	header := make(http.Header, len(md))
	for name, values := range md {
		header[name] = values
	}
	c.catalog().Redact(e, func(texts []*string) {
		echo.Blot(texts, slices.Concat(echo.Headers(header), request))
	})
}

// words returns the words of the request.
func (c *call) words() ([]string, bool) {
	m, ok := c.req.(proto.Message)
	if !ok || proto.Size(m) > mostRequest {
		return nil, false
	}
	body, err := protojson.Marshal(m)
	if err != nil {
		return nil, false
	}
	return echo.Words(string(body)), true
}
