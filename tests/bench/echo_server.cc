// SPDX-License-Identifier: Apache-2.0
// The floor that the broker is measured against: a gRPC server of the same API that answers every
// request with as many bytes as the broker would, and does nothing else.
//
//   echo_server SOCKET
#include <grpcpp/grpcpp.h>

#include <cstdio>
#include <string>

#include "bpmp/v1/guest.grpc.pb.h"

namespace bpmp::bench {
namespace {

void Echo(const v1::MrqRequest& request, v1::MrqResponse* response) {
  response->set_error(0);
  response->mutable_rx()->assign(request.rx_size(), '\0');
}

class EchoStream final : public grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse> {
 public:
  EchoStream() { StartRead(&request_); }
  void OnReadDone(bool ok) override {
    if (!ok) return Finish(grpc::Status::OK);
    response_.set_sequence(request_.sequence());
    if (request_.has_hello()) {
      // For clients that wait for it.
      response_.mutable_welcome()->set_max_outstanding(64);
    } else {
      Echo(request_.request(), response_.mutable_response());
    }
    StartWrite(&response_);
  }
  void OnWriteDone(bool ok) override {
    if (ok) {
      StartRead(&request_);
    } else {
      Finish(grpc::Status::CANCELLED);
    }
  }
  void OnDone() override { delete this; }

 private:
  v1::SessionRequest request_;
  v1::SessionResponse response_;
};

class EchoService final : public v1::Guest::CallbackService {
  grpc::ServerBidiReactor<v1::SessionRequest, v1::SessionResponse>* Session(
      grpc::CallbackServerContext*) override {
    return new EchoStream;
  }
  grpc::ServerUnaryReactor* Transfer(grpc::CallbackServerContext* context,
                                     const v1::TransferRequest* request,
                                     v1::TransferResponse* response) override {
    Echo(request->request(), response->mutable_response());
    auto* reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }
};

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: echo_server SOCKET\n");
    return 2;
  }
  bpmp::bench::EchoService service;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(std::string("unix:") + argv[1], grpc::InsecureServerCredentials());
  builder.RegisterService(&service);
  const auto server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  server->Wait();
}
