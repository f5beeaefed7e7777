package grpcretry

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"
)

// Declared reports whether the .proto file allows a method to be repeated: with the
// option idempotency_level set to NO_SIDE_EFFECTS or IDEMPOTENT.
//
//	rpc Get(GetRequest) returns (Rate) { option idempotency_level = NO_SIDE_EFFECTS; }
//
// It reads the descriptors that generated code registers. It returns false for a method
// that is not registered.
func Declared(method string) bool {
	full := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", "."))
	found, err := protoregistry.GlobalFiles.FindDescriptorByName(full)
	if err != nil {
		return false
	}
	options, ok := found.Options().(*descriptorpb.MethodOptions)
	return ok && options.GetIdempotencyLevel() != descriptorpb.MethodOptions_IDEMPOTENCY_UNKNOWN
}
