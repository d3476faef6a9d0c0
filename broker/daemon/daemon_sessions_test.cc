// SPDX-License-Identifier: Apache-2.0
// The real program and the sessions of VMs: what its log says of them, and what its end does to
// them.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "bpmp/v1/guest.grpc.pb.h"
#include "broker/daemon/daemon_fixture.h"

namespace bpmp::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST_F(DaemonComponentTest, TheLogSaysWhoseASessionIs) {
  Start({"--config", ConfigWith("vms: [{name: net-vm}]\n")});
  ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
  const auto stub = v1::Guest::NewStub(grpc::CreateChannel(
      absl::StrCat("unix:", root_, "/run/vms/net-vm.sock"), grpc::InsecureChannelCredentials()));
  grpc::ClientContext context;
  const auto stream = stub->Session(&context);
  v1::SessionRequest hello;
  hello.mutable_hello()->set_client("tester");
  v1::SessionResponse welcome;
  ASSERT_TRUE(stream->Write(hello) && stream->Read(&welcome));
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
  EXPECT_THAT(Slurp("err"), HasSubstr(absl::StrCat("vm net-vm: session 1: opened by pid ", getpid(),
                                                   ", uid ", geteuid(), ", tester")));
}

// A session of a VM that holds a clock.
class Vm {
 public:
  explicit Vm(const std::string& address)
      : stub_(v1::Guest::NewStub(grpc::CreateChannel(address, grpc::InsecureChannelCredentials()))),
        stream_(stub_->Session(&context_)) {
    v1::SessionRequest message;
    message.mutable_hello()->set_client("tester");
    EXPECT_TRUE(Ask(message).has_welcome());
    message.set_sequence(1);
    v1::MrqRequest* const enable = message.mutable_request();
    enable->set_mrq(22);
    enable->set_tx(std::string("\x9b\0\0\x07", 4));  // CLK ENABLE uarta
    EXPECT_EQ(Ask(message).response().error(), 0);
  }
  // How the broker ended the stream.
  grpc::Status End() {
    v1::SessionResponse none;
    EXPECT_FALSE(stream_->Read(&none));
    return stream_->Finish();
  }

 private:
  v1::SessionResponse Ask(const v1::SessionRequest& message) {
    v1::SessionResponse answer;
    EXPECT_TRUE(stream_->Write(message) && stream_->Read(&answer));
    return answer;
  }

  grpc::ClientContext context_;
  const std::unique_ptr<v1::Guest::Stub> stub_;
  const std::unique_ptr<grpc::ClientReaderWriter<v1::SessionRequest, v1::SessionResponse>> stream_;
};

// A TCP port of the loopback interface that was free a moment ago.
int FreePort() {
  const service::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  EXPECT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), size), 0);
  EXPECT_EQ(getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  return ntohs(address.sin_port);
}

// Sessions end before their servers do: a stream that its server cuts off looks like one that its
// VM lost, and with a short grace time like the VM's end.
TEST_F(DaemonComponentTest, ItsEndIsNotTheVmsEnd) {
  const std::string address = absl::StrCat("127.0.0.1:", FreePort());
  Start({"--allow-insecure-tcp", "--config",
         ConfigWith(absl::StrCat("vms: [{name: net-vm, clocks: [{name: uarta, access: vote}], "
                                 "peer: {grace_ms: 1}}]\n"
                                 "insecure_tcp: [{vm: net-vm, listen: '",
                                 address, "'}]\n"))});
  ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
  for (const std::string& where : {address, absl::StrCat("unix:", root_, "/run/vms/net-vm.sock")}) {
    SCOPED_TRACE(where);
    if (pid_ < 0) {
      Start({"--allow-insecure-tcp", "--config", root_ + "/broker.yaml"});
      told_.clear();
      ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
    }
    Vm vm(where);
    kill(pid_, SIGTERM);
    const grpc::Status end = vm.End();
    EXPECT_EQ(end.error_code(), grpc::StatusCode::UNAVAILABLE);
    EXPECT_EQ(end.error_message(), "the broker is stopping");
    EXPECT_EQ(WaitForEnd(), 0);
    EXPECT_THAT(Slurp("err"), HasSubstr("vm net-vm: session 1: opened by"));
    EXPECT_THAT(Slurp("err"), Not(HasSubstr(" lost")));
    EXPECT_THAT(Slurp("err"), Not(HasSubstr("net-vm is released")));
  }
}

}  // namespace
}  // namespace bpmp::daemon
