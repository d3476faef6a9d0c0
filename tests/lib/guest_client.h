// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_GUEST_CLIENT_H_
#define TESTS_LIB_GUEST_CLIENT_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/support/sync_stream.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/mrq/types.h"

namespace bpmp::testing {

// A channel with a connection of its own to a Unix socket.
std::shared_ptr<grpc::Channel> ConnectTo(const std::string& socket);

// A request as it goes into a message, with room for a whole answer.
v1::MrqRequest ToMessage(const mrq::Request& request);
v1::SessionRequest ToMessage(uint64_t sequence, const mrq::Request& request);
mrq::Response FromMessage(const v1::MrqResponse& response);

// A VM's side of the data plane, as plain as can be: one Session stream over blocking calls. Not
// thread-safe, but one thread may send while another receives.
class GuestClient {
 public:
  explicit GuestClient(const std::string& socket) : GuestClient(ConnectTo(socket)) {}
  explicit GuestClient(std::shared_ptr<grpc::Channel> channel);
  // Cuts the stream off, unless Finish() was called.
  ~GuestClient();

  // --- One message either way; false or nothing: the stream is over, and Finish() says why ---
  bool Send(const v1::SessionRequest& message) { return stream_->Write(message); }
  // Returns the sequence number.
  uint64_t Send(const mrq::Request& request);
  std::optional<v1::SessionResponse> Receive();

  // --- Question and answer, in lock step; all fail the process when the stream is over ---
  v1::Welcome Hello(uint64_t resume = 0, const std::string& client = "test");
  mrq::Response Transfer(const mrq::Request& request);
  uint32_t MachineReset();  // the epoch that begins
  void KeepAlive();

  // Says that no more requests follow.
  void WritesDone() { stream_->WritesDone(); }
  // How the stream ended. Reads what is left of it, so that whoever ended it is waited for.
  grpc::Status Finish();
  // The client's end of it, without goodbye.
  void Cancel() { context_.TryCancel(); }

  v1::Guest::Stub& stub() { return *stub_; }
  const std::shared_ptr<grpc::Channel>& channel() const { return channel_; }

 private:
  v1::SessionResponse Ask(v1::SessionRequest message);

  const std::shared_ptr<grpc::Channel> channel_;
  const std::unique_ptr<v1::Guest::Stub> stub_;
  grpc::ClientContext context_;
  std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  uint64_t sequence_ = 0;
  bool finished_ = false;
};

}  // namespace bpmp::testing

#endif  // TESTS_LIB_GUEST_CLIENT_H_
