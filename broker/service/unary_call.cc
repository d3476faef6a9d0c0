// SPDX-License-Identifier: Apache-2.0
#include "broker/service/unary_call.h"

#include <grpcpp/impl/codegen/proto_utils.h>

#include "broker/service/status.h"

namespace bpmp::service {

using Traits = grpc::SerializationTraits<google::protobuf::Message>;

void UnaryCall::OnReadDone(bool ok) {
  if (!ok) return Answer(absl::InvalidArgumentError("the call came without a request"));
  if (!Traits::Deserialize(&in_, request()).ok()) {
    return Answer(absl::InvalidArgumentError("what came is not this method's request"));
  }
  Handle();
}

void UnaryCall::Answer(const absl::Status& status) {
  if (!status.ok()) return Finish(ToGrpc(status));
  bool owned = false;  // by this object in any case
  const grpc::Status written = Traits::Serialize(response(), &out_, &owned);
  if (!written.ok()) return Finish(written);
  StartWriteAndFinish(&out_, grpc::WriteOptions(), grpc::Status::OK);
}

}  // namespace bpmp::service
