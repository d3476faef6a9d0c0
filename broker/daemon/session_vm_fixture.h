// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_SESSION_VM_FIXTURE_H_
#define BROKER_DAEMON_SESSION_VM_FIXTURE_H_

#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>

#include "bpmp/v1/guest.grpc.pb.h"

namespace bpmp::daemon {

// A VM with a session, as plain as can be.
class SessionVm {
 public:
  explicit SessionVm(const std::string& address)
      : stub_(v1::Guest::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))),
        stream_(stub_->Session(&context_)) {
    v1::SessionRequest message;
    message.mutable_hello()->set_client("tester");
    EXPECT_TRUE(Ask(message).has_welcome());
  }

  // CLK ENABLE and DISABLE of a clock, by its id; the BPMP's error.
  int Enable(uint8_t clock) { return Clk(7, clock); }
  int Disable(uint8_t clock) { return Clk(8, clock); }

  // How the broker ended the stream.
  grpc::Status End() {
    v1::SessionResponse none;
    EXPECT_FALSE(stream_->Read(&none));
    return stream_->Finish();
  }

 private:
  int Clk(uint8_t command, uint8_t clock) {
    v1::SessionRequest message;
    message.set_sequence(++sequence_);
    v1::MrqRequest* const request = message.mutable_request();
    request->set_mrq(22);
    request->set_tx(std::string({static_cast<char>(clock), 0, 0, static_cast<char>(command)}));
    return Ask(message).response().error();
  }
  v1::SessionResponse Ask(const v1::SessionRequest& message) {
    v1::SessionResponse answer;
    EXPECT_TRUE(stream_->Write(message) && stream_->Read(&answer));
    return answer;
  }

  grpc::ClientContext context_;
  const std::unique_ptr<v1::Guest::Stub> stub_;
  const std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
  uint64_t sequence_ = 0;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_SESSION_VM_FIXTURE_H_
