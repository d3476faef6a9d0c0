// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/guest_client.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/mrq/codec.h"

namespace bpmp::testing {
namespace {

[[noreturn]] void Die(const std::string& why) {
  std::fprintf(stderr, "guest client: %s\n", why.c_str());
  std::abort();
}

}  // namespace

std::shared_ptr<grpc::Channel> ConnectTo(const std::string& socket) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  arguments.SetInt(GRPC_ARG_ENABLE_HTTP_PROXY, 0);
  return grpc::CreateCustomChannel(absl::StrCat("unix:", socket),
                                   grpc::InsecureChannelCredentials(), arguments);
}

v1::MrqRequest ToMessage(const mrq::Request& request) {
  const mrq::EncodedRequest encoded = mrq::EncodeRequest(request);
  v1::MrqRequest message;
  message.set_mrq(encoded.mrq);
  message.set_tx(encoded.data.data(), encoded.size);
  message.set_rx_size(mrq::kPayloadSize);
  return message;
}

v1::SessionRequest ToMessage(uint64_t sequence, const mrq::Request& request) {
  v1::SessionRequest message;
  message.set_sequence(sequence);
  *message.mutable_request() = ToMessage(request);
  return message;
}

mrq::Response FromMessage(const v1::MrqResponse& response) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(response.rx().data());
  return mrq::FromBytes(response.error(), {bytes, response.rx().size()});
}

GuestClient::GuestClient(std::shared_ptr<grpc::Channel> channel)
    : channel_(std::move(channel)),
      stub_(v1::Guest::NewStub(channel_)),
      stream_(stub_->Session(&context_)) {}

GuestClient::~GuestClient() {
  if (finished_) return;
  Cancel();
  Finish();
}

uint64_t GuestClient::Send(const mrq::Request& request) {
  v1::SessionRequest message;
  message.set_sequence(++sequence_);
  *message.mutable_request() = ToMessage(request);
  Send(message);
  return sequence_;
}

std::optional<v1::SessionResponse> GuestClient::Receive() {
  v1::SessionResponse response;
  if (!stream_->Read(&response)) return std::nullopt;
  return response;
}

v1::SessionResponse GuestClient::Ask(v1::SessionRequest message) {
  message.set_sequence(++sequence_);
  Send(message);
  const auto response = Receive();
  if (!response) Die(absl::StrCat("the session is over: ", Finish().error_message()));
  if (response->sequence() != sequence_) Die("an answer to something else");
  return *response;
}

v1::Welcome GuestClient::Hello(uint64_t resume, const std::string& client) {
  v1::SessionRequest message;
  message.mutable_hello()->set_client(client);
  message.mutable_hello()->set_resume_session_id(resume);
  return Ask(std::move(message)).welcome();
}

mrq::Response GuestClient::Transfer(const mrq::Request& request) {
  v1::SessionRequest message;
  *message.mutable_request() = ToMessage(request);
  return FromMessage(Ask(std::move(message)).response());
}

uint32_t GuestClient::MachineReset() {
  v1::SessionRequest message;
  message.mutable_machine_reset();
  return Ask(std::move(message)).machine_reset_done().epoch();
}

void GuestClient::KeepAlive() {
  v1::SessionRequest message;
  message.mutable_keep_alive();
  if (!Ask(std::move(message)).has_keep_alive()) Die("no KeepAlive came back");
}

grpc::Status GuestClient::Finish() {
  finished_ = true;
  while (Receive()) {
  }
  return stream_->Finish();
}

}  // namespace bpmp::testing
