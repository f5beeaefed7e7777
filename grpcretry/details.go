package grpcretry

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/anypb"

	"github.com/nexpay-go/resilience/classify"
	"github.com/nexpay-go/resilience/internal/text"
)

const (
	mostDetails = 16       // details of a status that are looked at
	mostDetail  = 64 << 10 // bytes of one
	mostTrace   = 128
	longestWait = 366 * 24 * time.Hour
)

// A detail is what a status has beside code and message.
type detail struct {
	code  classify.Code // domain/reason of an ErrorInfo that the catalog has a rule for
	wait  time.Duration
	trace string
	never bool // the server says not to send the call again
}

// read reads what came with a status: its details and metadata. Of what was given twice
// the first counts. A nil catalog has no rules.
func read(st *status.Status, catalog *classify.Catalog, header, trailer metadata.MD) (d detail) {
	all := st.Proto().GetDetails()
	for _, a := range all[:min(len(all), mostDetails)] {
		if len(a.GetValue()) <= mostDetail {
			d.add(a, catalog)
		}
	}
	d.pushback(trailer)
	if d.trace == "" {
		d.trace = traceIn(catalog, trailer, header)
	}
	return d
}

func (d *detail) add(a *anypb.Any, catalog *classify.Catalog) {
	var retry errdetails.RetryInfo
	var info errdetails.ErrorInfo
	var request errdetails.RequestInfo
	switch {
	case is(a, &retry) && d.wait == 0 && retry.GetRetryDelay().IsValid():
		d.wait = bounded(retry.GetRetryDelay().AsDuration())
	case is(a, &info) && d.code == "" && catalog != nil:
		code := classify.Code(info.GetDomain() + "/" + info.GetReason())
		if _, known := catalog.Lookup(code); known && code.Valid() {
			d.code = code
		}
	case is(a, &request) && d.trace == "":
		d.trace = word(request.GetRequestId())
	}
}

// is unpacks a detail, if it is of that type and can be read.
func is(a *anypb.Any, m proto.Message) bool { return a.MessageIs(m) && a.UnmarshalTo(m) == nil }

// pushback reads what gRFC A6 has a server say to who sends again: how many milliseconds to
// wait, or by anything else than that, not to.
func (d *detail) pushback(trailer metadata.MD) {
	values := trailer.Get("grpc-retry-pushback-ms")
	if len(values) == 0 {
		return
	}
	ms, err := strconv.ParseInt(values[0], 10, 32)
	if err != nil || ms < 0 || len(values) > 1 {
		d.never = true
		return
	}
	d.wait = max(d.wait, time.Duration(ms)*time.Millisecond)
}

func bounded(wait time.Duration) time.Duration { return min(max(wait, 0), longestWait) }

// traceIn finds the id of the request in the metadata of its answer, by the names that the
// catalog's classify.Shape gives its header, or else the usual ones.
func traceIn(catalog *classify.Catalog, from ...metadata.MD) string {
	var names []string
	if catalog != nil {
		for _, at := range catalog.Shape().TraceID {
			if name, header := strings.CutPrefix(at, "header:"); header {
				names = append(names, name)
			}
		}
	}
	for _, name := range slices.Concat(names, usual) {
		for _, md := range from {
			for _, value := range md.Get(name) {
				if value = word(value); value != "" {
					return value
				}
			}
		}
	}
	return ""
}

var usual = []string{"x-request-id", "request-id", "x-correlation-id", "x-trace-id"}

// word is the first word of an id: catalogs take no more of it.
func word(id string) string {
	for first := range strings.FieldsSeq(id[:min(len(id), 4*mostTrace)]) {
		return strings.Clone(text.Cut(first, mostTrace)) // not all of the header
	}
	return ""
}
