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
#include "broker/daemon/session_vm_fixture.h"

namespace bpmp::daemon {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// The guest's side of VM net-vm, of the broker in that folder.
std::unique_ptr<v1::Guest::Stub> GuestOf(const std::string& root) {
  return v1::Guest::NewStub(grpc::CreateChannel(absl::StrCat("unix:", root, "/run/vms/net-vm.sock"),
                                                grpc::InsecureChannelCredentials()));
}

TEST_F(DaemonComponentTest, TheLogSaysWhoseASessionIs) {
  Start({"--config", ConfigWith("vms: [{name: net-vm}]\n")});
  ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
  const auto stub = GuestOf(root_);
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

// A peer can send what doesn't parse as often as it likes: it is told so, and nobody else.
TEST_F(DaemonComponentTest, WhatDoesNotParseIsNotLogged) {
  Start({"--config", ConfigWith("vms: [{name: net-vm}]\n")});
  ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
  const auto stub = GuestOf(root_);
  grpc::ClientContext context;
  const auto stream = stub->Session(&context);
  v1::SessionRequest hello;
  hello.mutable_hello()->set_client("\xff is no UTF-8");
  v1::SessionResponse none;
  ASSERT_TRUE(stream->Write(hello));
  EXPECT_FALSE(stream->Read(&none));
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  kill(pid_, SIGTERM);
  EXPECT_EQ(WaitForEnd(), 0) << Slurp("err");
  EXPECT_THAT(Slurp("err"), Not(HasSubstr("protobuf")));
}

constexpr uint8_t kUarta = 155;

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
    SessionVm vm(where);
    EXPECT_EQ(vm.Enable(kUarta), 0);
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
