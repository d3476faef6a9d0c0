// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/old_firmware.h"

#include <grpcpp/server_builder.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

constexpr uint32_t kQueryTag = 1;
constexpr uint32_t kQueryAbi = 23;
constexpr uint32_t kQueryFwTag = 71;
constexpr int32_t kInvalid = -22;
// QUERY_ABI's answer for what isn't there: ENODEV, little-endian.
constexpr char kNoDevice[] = "\xed\xff\xff\xff";

bool AsksFor(const v1::MrqRequest& request, uint32_t mrq) {
  return request.mrq() == kQueryAbi && !request.tx().empty() &&
         static_cast<unsigned char>(request.tx()[0]) == mrq;
}

}  // namespace

OldFirmware::OldFirmware(const std::string& socket) {
  service_.broker = socket;
  grpc::ServerBuilder builder;
  builder.AddListeningPort(absl::StrCat("unix:", this->socket()),
                           grpc::InsecureServerCredentials());
  builder.RegisterService(&service_);
  server_ = builder.BuildAndStart();
  if (server_ == nullptr) {
    std::fprintf(stderr, "old firmware: can't listen at %s\n", this->socket().c_str());
    std::abort();
  }
}

OldFirmware::~OldFirmware() { server_->Shutdown(std::chrono::system_clock::now()); }

bool OldFirmware::Service::Answer(const v1::SessionRequest& request, v1::SessionResponse* answer) {
  if (!request.has_request()) return false;
  answer->set_sequence(request.sequence());
  const v1::MrqRequest& asked = request.request();
  if (AsksFor(asked, kQueryFwTag)) {
    answer->mutable_response()->set_rx(kNoDevice, 4);
    return true;
  }
  if (asked.mrq() == kQueryFwTag) {
    answer->mutable_response()->set_error(kInvalid);
    return true;
  }
  if (asked.mrq() != kQueryTag) return false;
  ++old_tags;
  answer->mutable_response();  // success, and nothing in it
  return true;
}

grpc::Status OldFirmware::Service::Session(
    grpc::ServerContext* /*context*/,
    grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) {
  GuestClient client(broker);
  v1::SessionRequest request;
  while (stream->Read(&request)) {
    v1::SessionResponse answer;
    if (!Answer(request, &answer)) {
      // Each message has one answer.
      client.Send(request);
      const auto real = client.Receive();
      if (!real) return client.Finish();
      answer = *real;
    }
    if (!stream->Write(answer)) break;
  }
  return grpc::Status::OK;
}

}  // namespace bpmp::testing
