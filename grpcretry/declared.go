package grpcretry

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Declared reports whether the .proto file says that a method may be repeated: by the
// option idempotency_level, as NO_SIDE_EFFECTS or IDEMPOTENT.
//
//	rpc Get(GetRequest) returns (Rate) { option idempotency_level = NO_SIDE_EFFECTS; }
//
// It looks at the descriptors that generated code registers; a method that is not there has
// declared nothing.
func Declared(method string) bool {
	full := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(full)
	if err != nil {
		return false
	}
	options, ok := found.Options().(*descriptorpb.MethodOptions)
	return ok && options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
}
