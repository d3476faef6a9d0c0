// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_UNARY_CALL_H_
#define BROKER_SERVICE_UNARY_CALL_H_

#include <google/protobuf/message.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/byte_buffer.h>

#include "absl/status/status.h"

namespace bpmp::service {

// One unary call of a method that its server knows by name only. gRPC keeps some kilobytes for each
// method that is registered with a server, and again for each connection; with a server for each
// VM that would be most of what a VM costs. So the methods that are called seldom are looked up in
// a table of ours (typed_services.cc), and their messages are read and written here.
//
// Deletes itself when gRPC is done with it, which is after Answer().
class UnaryCall : public grpc::ServerGenericBidiReactor {
 public:
  explicit UnaryCall(grpc::CallbackServerContext* context) : context_(context) {}

  const grpc::CallbackServerContext& context() const { return *context_; }
  // Ends the call: with the response, or with the error alone. Once, from any thread; the messages
  // are gone afterwards.
  void Answer(const absl::Status& status);

 protected:
  // Begins to read; to be called when the object is whole.
  void Begin() { StartRead(&in_); }
  virtual google::protobuf::Message* request() = 0;
  virtual const google::protobuf::Message& response() const = 0;
  // The request is there. Leads to one Answer(), now or later.
  virtual void Handle() = 0;

 private:
  void OnReadDone(bool ok) override;
  void OnDone() override { delete this; }

  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer in_;
  grpc::ByteBuffer out_;
};

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_UNARY_CALL_H_
