// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_CLIENT_H_
#define BROKER_CTL_CLIENT_H_

#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "broker/ctl/endpoint.h"
#include "grpcpp/client_context.h"

namespace bpmp::ctl {

// Calls of one service on one socket, each with a deadline, errors explained. `Service` is a
// generated service class (v1::Admin). Not thread-safe.
template <typename Service>
class Client {
 public:
  Client(Endpoint endpoint, std::shared_ptr<grpc::Channel> channel, absl::Duration timeout)
      : endpoint_(std::move(endpoint)), timeout_(timeout), stub_(Service::NewStub(channel)) {}

  // client.Call(&v1::Admin::Stub::GetVm, request)
  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(grpc::Status (Service::Stub::*method)(grpc::ClientContext*,
                                                                      const Request&, Response*),
                                const Request& request) {
    grpc::ClientContext context;
    context.set_deadline(absl::ToChronoTime(absl::Now() + timeout_));
    Response response;
    const grpc::Status status = (stub_.get()->*method)(&context, request, &response);
    if (!status.ok()) {
      return ExplainFailure(status, endpoint_, timeout_);
    }
    return response;
  }

  // For streams, which have no deadline.
  typename Service::Stub& stub() { return *stub_; }
  const Endpoint& endpoint() const { return endpoint_; }
  absl::Duration timeout() const { return timeout_; }

 private:
  const Endpoint endpoint_;
  const absl::Duration timeout_;
  const std::unique_ptr<typename Service::Stub> stub_;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_CLIENT_H_
