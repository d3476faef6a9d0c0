// SPDX-License-Identifier: Apache-2.0
// A client whose broker says what none of ours does, or what a newer one might.
#include <gmock/gmock.h>
#include <grpc/grpc.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bpmp/v1/guest.grpc.pb.h"
#include "qemu-client/tests/client.h"
#include "tests/lib/temporary_directory.h"

namespace bpmp::client {
namespace {

using ::testing::ElementsAre;

// Welcomes its client, says what it was told to say, and answers each request with 42.
class StrangeBroker final : public v1::Guest::Service {
 public:
  explicit StrangeBroker(std::vector<v1::SessionResponse> says) : says_(std::move(says)) {
    // Never the last that uses gRPC: its own end may wait 10 s for a poller of its.
    grpc_init();
    grpc::ServerBuilder builder;
    builder.AddListeningPort("unix:" + socket(), grpc::InsecureServerCredentials());
    builder.RegisterService(this);
    server_ = builder.BuildAndStart();
  }
  std::string socket() const { return directory_.path() + "/a.sock"; }

  grpc::Status Session(
      grpc::ServerContext* /*context*/,
      grpc::ServerReaderWriter<v1::SessionResponse, v1::SessionRequest>* stream) override {
    v1::SessionRequest request;
    while (stream->Read(&request)) {
      v1::SessionResponse answer;
      answer.set_sequence(request.sequence());
      if (request.has_hello()) {
        answer.mutable_welcome()->set_max_outstanding(8);
        answer.mutable_welcome()->set_session_id(1);
        stream->Write(answer);
        for (const v1::SessionResponse& said : says_) stream->Write(said);
      } else {
        answer.mutable_response()->set_rx(std::string("\x2a\0\0\0", 4));
        stream->Write(answer);
      }
    }
    return grpc::Status::OK;
  }

 private:
  const testing::TemporaryDirectory directory_;
  const std::vector<v1::SessionResponse> says_;
  std::unique_ptr<grpc::Server> server_;
};

v1::SessionResponse Says(uint32_t mrq, size_t size) {
  v1::SessionResponse said;
  said.mutable_notification()->set_mrq(mrq);
  said.mutable_notification()->set_data(std::string(size, 'x'));
  return said;
}

// A body that isn't defined yet.
v1::SessionResponse Unknown(size_t size) {
  v1::SessionResponse said;
  said.GetReflection()->MutableUnknownFields(&said)->AddLengthDelimited(1000,
                                                                        std::string(size, 'y'));
  return said;
}

TEST(ClientStrangeBrokerTest, IgnoresWhatItHasNoRoomForAndWhatItDoesntKnow) {
  std::vector<v1::SessionResponse> says = {Says(27, 121), Says(1, 0), v1::SessionResponse()};
  for (int i = 0; i < 20; ++i) says.push_back(Unknown(1'000'000));
  says.push_back(Says(27, 1'000'000));
  says.push_back(Says(0xffff'ffff, 120));
  StrangeBroker broker(says);
  Heard heard;
  TestClient client(broker.socket());
  client.config().notify = &Heard::Notify;
  client.config().notify_opaque = &heard;
  ASSERT_EQ(client.Open(), 0) << client.error();
  EXPECT_THAT(heard.Wait(2), ElementsAre(Heard::Message{1, ""},
                                         Heard::Message{0xffff'ffff, std::string(120, 'x')}));
  EXPECT_EQ(client.Ping(1).value, 42u);
  EXPECT_EQ(heard.count(), 2u);
}

// One without a callback, as each was before there was one.
TEST(ClientStrangeBrokerTest, AClientThatWantsNothingIgnoresAll) {
  StrangeBroker broker({Says(27, 8), Unknown(10), Says(27, 4'000'000), Says(27, 8)});
  TestClient client(broker.socket());
  ASSERT_EQ(client.Open(), 0) << client.error();
  EXPECT_EQ(client.Ping(1).value, 42u);
}

}  // namespace
}  // namespace bpmp::client
