// SPDX-License-Identifier: Apache-2.0
// The real program takes over another policy while VMs use it: by SIGHUP and by the admin API.
#include <gmock/gmock.h>
#include <grpcpp/create_channel.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "bpmp/v1/admin.grpc.pb.h"
#include "broker/daemon/daemon_fixture.h"
#include "broker/daemon/session_vm_fixture.h"

namespace bpmp::daemon {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;

constexpr uint8_t kUarta = 155, kUartb = 156;
constexpr int kAccess = -13;

class DaemonReloadTest : public DaemonComponentTest {
 protected:
  // With these VMs, as YAML.
  void StartWith(const std::string& vms) {
    admin_ = v1::Admin::NewStub(grpc::CreateChannel("unix:" + root_ + "/run/admin.sock",
                                                    grpc::InsecureChannelCredentials()));
    Start({"--config", ConfigWith(vms)});
    ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
    told_.clear();
  }
  std::string SocketOf(const std::string& vm) const {
    return absl::StrCat("unix:", root_, "/run/vms/", vm, ".sock");
  }

  v1::ReloadPolicyResponse Reload(v1::ReloadPolicyRequest::Votes votes, bool dry_run = false) {
    grpc::ClientContext context;
    v1::ReloadPolicyRequest request;
    request.set_votes(votes);
    request.set_dry_run(dry_run);
    v1::ReloadPolicyResponse response;
    const grpc::Status rpc = admin_->ReloadPolicy(&context, request, &response);
    EXPECT_TRUE(rpc.ok()) << rpc.error_message();
    return response;
  }
  v1::ReloadPolicyResponse ReloadTo(const std::string& vms, v1::ReloadPolicyRequest::Votes votes) {
    ConfigWith(vms);
    return Reload(votes);
  }
  // Who holds a clock.
  std::vector<std::string> Holders(uint32_t clock) {
    grpc::ClientContext context;
    v1::GetResourceRequest request;
    request.mutable_resource()->set_kind(v1::RESOURCE_KIND_CLOCK);
    request.mutable_resource()->set_id(clock);
    v1::ResourceState state;
    EXPECT_TRUE(admin_->GetResource(&context, request, &state).ok());
    return {state.holders().begin(), state.holders().end()};
  }
  // What the service manager was told of a reload that SIGHUP asked for.
  void Hangup() {
    told_.clear();
    kill(pid_, SIGHUP);
    ASSERT_TRUE(WaitUntilTold("RELOADING=1\nMONOTONIC_USEC="));
    ASSERT_TRUE(WaitUntilTold("READY=1"));
  }
  // Until it has happened, to any VM or none where `vm` is empty.
  void WaitForEvent(const std::string& kind, const std::string& vm) {
    grpc::ClientContext context;
    v1::WatchRequest request;
    request.set_since(1);
    request.add_kinds(kind);
    const auto stream = admin_->Watch(&context, request);
    v1::Event event;
    while (stream->Read(&event)) {
      if (vm.empty() || event.vm() == vm) break;
    }
    context.TryCancel();
  }
  grpc::Status Delete(const std::string& vm) {
    grpc::ClientContext context;
    v1::DeleteVmRequest request;
    request.set_name(vm);
    v1::DeleteVmResponse response;
    return admin_->DeleteVm(&context, request, &response);
  }
  std::vector<std::string> Vms() {
    grpc::ClientContext context;
    v1::ListVmsResponse vms;
    EXPECT_TRUE(admin_->ListVms(&context, {}, &vms).ok());
    std::vector<std::string> names;
    for (const v1::Vm& vm : vms.vms()) names.push_back(vm.name());
    return names;
  }

  std::unique_ptr<v1::Admin::Stub> admin_;
};

constexpr char kOne[] = "vms:\n  - {name: a, devices: [uarta]}\n";
constexpr char kNone[] = "vms:\n  - {name: a}\n";

TEST_F(DaemonReloadTest, KeepsVotesOfALiveSession) {
  StartWith(kOne);
  SessionVm vm(SocketOf("a"));
  EXPECT_EQ(vm.Enable(kUarta), 0);
  const v1::ReloadPolicyResponse done = ReloadTo(kNone, v1::ReloadPolicyRequest::KEEP);
  EXPECT_TRUE(done.applied()) << absl::StrJoin(done.problems(), "\n");
  EXPECT_EQ(done.generation(), 2u);
  ASSERT_EQ(done.difference().vms_size(), 1);
  EXPECT_THAT(done.difference().vms(0).text(), Contains("uses clock uarta, and may no longer"));
  EXPECT_THAT(Holders(kUarta), Contains("a"));
  EXPECT_EQ(vm.Enable(kUartb), kAccess);
  EXPECT_EQ(vm.Disable(kUarta), 0);
  EXPECT_THAT(Holders(kUarta), Not(Contains("a")));
  EXPECT_EQ(vm.Enable(kUarta), kAccess);
  EXPECT_EQ(StatusOf(root_ + "/run").policy_generation(), 2u);
}

TEST_F(DaemonReloadTest, AnotherCertificateIsAChange) {
  StartWith(kOne);
  const v1::ReloadPolicyResponse done =
      ReloadTo("vms:\n  - {name: a, devices: [uarta], certificate_name: other}\n",
               v1::ReloadPolicyRequest::KEEP);
  ASSERT_EQ(done.difference().vms_size(), 1);
  EXPECT_EQ(done.difference().vms(0).vm(), "a");
  EXPECT_THAT(
      done.difference().vms(0).text(),
      ElementsAre(HasSubstr("is who shows a certificate of 'other', and no longer of 'a'")));
}

TEST_F(DaemonReloadTest, AnotherRuntimeDirectoryIsRefusedAsSuch) {
  StartWith(kOne);
  std::ofstream(root_ + "/broker.yaml")
      << "runtime_dir: " << root_ << "/other\nadmin: {socket: " << root_
      << "/run/admin.sock}\nmetrics: {listen: 'off'}\n"
      << kOne;
  const v1::ReloadPolicyResponse done = Reload(v1::ReloadPolicyRequest::KEEP);
  EXPECT_FALSE(done.applied());
  EXPECT_THAT(done.problems(),
              ElementsAre(HasSubstr("broker.yaml:1: runtime_dir: differs, and the sockets")));
}

TEST_F(DaemonReloadTest, DropsVotesOfALiveSession) {
  StartWith(kOne);
  SessionVm vm(SocketOf("a"));
  EXPECT_EQ(vm.Enable(kUarta), 0);
  EXPECT_TRUE(ReloadTo(kNone, v1::ReloadPolicyRequest::DROP).applied());
  EXPECT_EQ(vm.Enable(kUarta), kAccess) << "the session lives on";
  EXPECT_THAT(Holders(kUarta), Not(Contains("a")));
  // What was taken away can come back.
  EXPECT_TRUE(ReloadTo(kOne, v1::ReloadPolicyRequest::KEEP).applied());
  EXPECT_EQ(vm.Enable(kUarta), 0);
}

TEST_F(DaemonReloadTest, ARefusedReloadLeavesAllAsItWas) {
  StartWith(kOne);
  SessionVm vm(SocketOf("a"));
  EXPECT_EQ(vm.Enable(kUarta), 0);
  for (const char* wrong :
       {"vms:\n  - {name: a, devices: [nope]}\n", "vms:\n  - {name: b, devces: [uarta]}\n",
        "vms:\n  - {name: a}\n  - {name: b, mode: 9}\n", "vms: [\n"}) {
    const v1::ReloadPolicyResponse refused = ReloadTo(wrong, v1::ReloadPolicyRequest::DROP);
    EXPECT_FALSE(refused.applied()) << wrong;
    EXPECT_THAT(refused.problems(), Contains(HasSubstr(root_ + "/broker.yaml:"))) << wrong;
    EXPECT_EQ(refused.generation(), 1u);
  }
  EXPECT_THAT(Holders(kUarta), Contains("a"));
  EXPECT_THAT(Vms(), ElementsAre("a"));
  EXPECT_EQ(vm.Disable(kUarta), 0);
  EXPECT_EQ(vm.Enable(kUarta), 0);
  WaitForEvent("policy-refused", "");
  EXPECT_THAT(Slurp("err"), HasSubstr("has no device 'nope'"));
}

TEST_F(DaemonReloadTest, ASocketThatCantBeMadeRefusesTheWhole) {
  StartWith(kOne);
  const std::string more =
      "vms:\n  - {name: a}\n  - {name: b, devices: [uarta]}\n"
      "  - {name: c, socket: /dev/null/c.sock}\n";
  const v1::ReloadPolicyResponse refused = ReloadTo(more, v1::ReloadPolicyRequest::KEEP);
  EXPECT_FALSE(refused.applied());
  EXPECT_THAT(refused.problems(), Contains(HasSubstr("vm c: ")));
  EXPECT_THAT(Vms(), ElementsAre("a"));
  EXPECT_FALSE(std::filesystem::exists(root_ + "/run/vms/b.sock"));
  SessionVm vm(SocketOf("a"));
  EXPECT_EQ(vm.Enable(kUarta), 0) << "its device is its own still";
}

TEST_F(DaemonReloadTest, WhatASocketWasMadeWithNeedsARestart) {
  StartWith(kOne);
  const v1::ReloadPolicyResponse refused = ReloadTo(
      "vms:\n  - name: a\n    devices: [uarta]\n    mode: 0660\n", v1::ReloadPolicyRequest::KEEP);
  EXPECT_FALSE(refused.applied());
  EXPECT_THAT(
      refused.problems(),
      ElementsAre(HasSubstr("/broker.yaml:6: vm a: 'mode' differs, and its socket is open")));
}

TEST_F(DaemonReloadTest, OtherSettingsAreSaidToWait) {
  StartWith(kOne);
  const v1::ReloadPolicyResponse done =
      ReloadTo(absl::StrCat(kOne, "limits: {burst: 9}\nlog: {level: debug}\n"),
               v1::ReloadPolicyRequest::KEEP);
  EXPECT_TRUE(done.applied());
  EXPECT_THAT(done.at_restart(),
              ElementsAre(HasSubstr("/broker.yaml:5: limits: differs, and has effect when"),
                          HasSubstr("/broker.yaml:6: log: differs")));
  EXPECT_THAT(done.difference().vms(), IsEmpty());
}

TEST_F(DaemonReloadTest, OtherDevicesOfTheBoardNeedARestart) {
  StartWith(kOne);
  Write("board.yaml", "name: board\ndevices: [{names: [uarta], clocks: [156]}]\n");
  const v1::ReloadPolicyResponse refused =
      ReloadTo(absl::StrCat(kOne, "profiles: [board.yaml]\n"), v1::ReloadPolicyRequest::KEEP);
  EXPECT_FALSE(refused.applied());
  EXPECT_THAT(refused.problems(),
              ElementsAre(HasSubstr(":5:12: profiles, device_tree: the devices of the board")));
}

TEST_F(DaemonReloadTest, ADryRunSaysAndDoesNothing) {
  StartWith(kOne);
  ConfigWith("vms:\n  - {name: b, devices: [uarta]}\n");
  const v1::ReloadPolicyResponse would = Reload(v1::ReloadPolicyRequest::KEEP, /*dry_run=*/true);
  EXPECT_FALSE(would.applied());
  EXPECT_THAT(would.problems(), IsEmpty());
  ASSERT_EQ(would.difference().vms_size(), 2);
  EXPECT_EQ(would.difference().vms(0).kind(), v1::VmDifference::REMOVED);
  EXPECT_EQ(would.difference().vms(1).kind(), v1::VmDifference::ADDED);
  EXPECT_EQ(would.generation(), 1u);
  EXPECT_THAT(Vms(), ElementsAre("a"));
}

TEST_F(DaemonReloadTest, VmsComeAndGo) {
  StartWith(kOne);
  EXPECT_TRUE(
      ReloadTo("vms:\n  - {name: b, devices: [uarta]}\n", v1::ReloadPolicyRequest::KEEP).applied());
  EXPECT_FALSE(std::filesystem::exists(root_ + "/run/vms/a.sock"));
  SessionVm vm(SocketOf("b"));
  EXPECT_EQ(vm.Enable(kUarta), 0);
}

TEST_F(DaemonReloadTest, AVmThatGoesAndHasASessionIsEndedOnlyByChoice) {
  StartWith(kOne);
  SessionVm vm(SocketOf("a"));  // its devices are suspended: it holds nothing
  const v1::ReloadPolicyResponse refused = ReloadTo("vms: []\n", v1::ReloadPolicyRequest::KEEP);
  EXPECT_FALSE(refused.applied());
  EXPECT_THAT(refused.problems(),
              ElementsAre(absl::StrCat(
                  "vm a is no longer in the configuration, but has a session, of pid ", getpid(),
                  "; remove it first (bpmpctl vm remove a), or reload with "
                  "--drop")));
  EXPECT_EQ(vm.Enable(kUarta), 0);
}

TEST_F(DaemonReloadTest, AVmThatGoesAndHoldsSomethingIsReleasedOnlyByChoice) {
  StartWith(kOne);
  SessionVm vm(SocketOf("a"));
  EXPECT_EQ(vm.Enable(kUarta), 0);
  const v1::ReloadPolicyResponse refused = ReloadTo("vms: []\n", v1::ReloadPolicyRequest::KEEP);
  EXPECT_FALSE(refused.applied());
  EXPECT_THAT(
      refused.problems(),
      ElementsAre("vm a is no longer in the configuration, but uses clock uarta, and may no "
                  "longer; remove it first (bpmpctl vm remove a), or reload with --drop"));
  // What it had goes to another in the same step.
  EXPECT_TRUE(
      ReloadTo("vms:\n  - {name: b, devices: [uarta]}\n", v1::ReloadPolicyRequest::DROP).applied());
  EXPECT_EQ(vm.End().error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  SessionVm other(SocketOf("b"));
  EXPECT_EQ(other.Enable(kUarta), 0);
  WaitForEvent("vm-deleted", "a");
  while (Vms().size() > 1) {  // it leaves the list right after that
  }
  EXPECT_THAT(Vms(), ElementsAre("b"));
  EXPECT_THAT(Holders(kUarta), ElementsAre("b"));
}

TEST_F(DaemonReloadTest, ASocketHasOneVmAtATime) {
  const std::string path = root_ + "/x.sock";
  StartWith(absl::StrCat("vms:\n  - {name: a, socket: ", path, "}\n"));
  const std::string other = absl::StrCat("vms:\n  - {name: b, socket: ", path, "}\n");
  const v1::ReloadPolicyResponse refused = ReloadTo(other, v1::ReloadPolicyRequest::KEEP);
  EXPECT_FALSE(refused.applied());
  EXPECT_THAT(refused.problems(),
              ElementsAre(HasSubstr("broker.yaml:4: socket: is still that of vm a; remove it "
                                    "first (bpmpctl vm remove a)")));
  EXPECT_THAT(Vms(), ElementsAre("a"));
  ASSERT_TRUE(Delete("a").ok());
  EXPECT_TRUE(ReloadTo(other, v1::ReloadPolicyRequest::KEEP).applied());
  EXPECT_THAT(Vms(), ElementsAre("b"));
}

TEST_F(DaemonReloadTest, VmsThatWereAddedMeanwhileStay) {
  StartWith(kOne);
  grpc::ClientContext context;
  v1::DefineVmRequest request;
  request.mutable_vm()->set_name("guest");
  request.mutable_vm()->add_devices()->set_device("vic");
  v1::DefineVmResponse response;
  ASSERT_TRUE(admin_->DefineVm(&context, request, &response).ok());
  EXPECT_TRUE(Reload(v1::ReloadPolicyRequest::KEEP).applied());
  EXPECT_THAT(Vms(), ElementsAre("a", "guest"));
  // It counts in what the file may give away.
  const v1::ReloadPolicyResponse refused =
      ReloadTo("vms:\n  - {name: a, devices: [vic]}\n", v1::ReloadPolicyRequest::KEEP);
  EXPECT_THAT(refused.problems(), Contains(HasSubstr("exclusively too")));
  // The file's entry goes before, and its VMs come back.
  ASSERT_TRUE(Delete("a").ok());
  EXPECT_TRUE(ReloadTo("vms:\n  - {name: a, devices: [uarta]}\n  - {name: guest}\n",
                       v1::ReloadPolicyRequest::KEEP)
                  .applied());
  EXPECT_THAT(Vms(), ElementsAre("a", "guest"));
  EXPECT_TRUE(ReloadTo(kOne, v1::ReloadPolicyRequest::KEEP).applied());
  EXPECT_THAT(Slurp("err"), HasSubstr("policy: vm guest: loses device vic"));
}

TEST_F(DaemonReloadTest, HangupReloads) {
  StartWith(kOne);
  SessionVm vm(SocketOf("a"));
  EXPECT_EQ(vm.Enable(kUarta), 0);
  ConfigWith("vms:\n  - {name: a}\n  - {name: b, devices: [vic]}\n");
  Hangup();
  EXPECT_EQ(StatusOf(root_ + "/run").policy_generation(), 2u);
  EXPECT_THAT(Holders(kUarta), Contains("a")) << "kept";
  EXPECT_EQ(vm.Enable(kUartb), kAccess);
  EXPECT_TRUE(std::filesystem::is_socket(root_ + "/run/vms/b.sock"));
  ConfigWith("vms:\n  - {name: a, devices: [nope]}\n");
  Hangup();
  EXPECT_EQ(StatusOf(root_ + "/run").policy_generation(), 2u);
  EXPECT_THAT(Slurp("err"), HasSubstr("/broker.yaml:4: vm a: profile 'tegra234' has no device"));
  EXPECT_THAT(Slurp("err"), HasSubstr("policy: vm a: uses clock uarta, and may no longer"));
}

TEST_F(DaemonReloadTest, WithoutAFileThereIsNothingToReload) {
  Start({}, {}, /*unprivileged=*/true);
  ASSERT_TRUE(WaitUntilTold("READY=1")) << Slurp("err");
  Hangup();
  EXPECT_THAT(Slurp("err"), HasSubstr("started without a configuration file"));
}

TEST_F(DaemonReloadTest, AuditOnlyIsLoudAndEnds) {
  StartWith("vms:\n  - {name: a, audit_only: true}\n");
  EXPECT_THAT(Slurp("err"), HasSubstr("/broker.yaml:4:15: vm a: AUDIT-ONLY: "));
  EXPECT_THAT(StatusOf(root_ + "/run").audit_only(), ElementsAre("a"));
  SessionVm vm(SocketOf("a"));
  EXPECT_EQ(vm.Enable(kUarta), 0);
  grpc::ClientContext context;
  v1::SuggestPolicyRequest request;
  request.set_vm("a");
  v1::SuggestPolicyResponse suggested;
  ASSERT_TRUE(admin_->SuggestPolicy(&context, request, &suggested).ok());
  ASSERT_EQ(suggested.vm().clocks_size(), 1);
  EXPECT_EQ(suggested.vm().clocks(0).name(), "uarta");
  EXPECT_EQ(suggested.vm().clocks(0).access(), v1::ACCESS_VOTE);
  EXPECT_FALSE(suggested.vm().audit_only());
  EXPECT_TRUE(ReloadTo(kNone, v1::ReloadPolicyRequest::DROP).applied());
  EXPECT_EQ(vm.Enable(kUarta), kAccess);
  EXPECT_THAT(StatusOf(root_ + "/run").audit_only(), IsEmpty());
}

TEST_F(DaemonReloadTest, CheckLooksAtAFileThatIsSent) {
  StartWith(kOne);
  grpc::ClientContext context;
  v1::CheckPolicyRequest request;
  request.set_file("/x/new.yaml");
  request.set_contents("vms:\n  - {name: b, devices: [uarta, nope]}\n");
  v1::CheckPolicyResponse check;
  ASSERT_TRUE(admin_->CheckPolicy(&context, request, &check).ok());
  EXPECT_THAT(
      check.problems(),
      ElementsAre(HasSubstr("/x/new.yaml:2: vm b: profile 'tegra234' has no device 'nope'")));
  grpc::ClientContext again;
  request.set_contents("vms:\n  - {name: b, all: exclusive}\n");
  ASSERT_TRUE(admin_->CheckPolicy(&again, request, &check).ok());
  EXPECT_THAT(check.problems(), IsEmpty());
  EXPECT_THAT(check.warnings(), Contains(HasSubstr("/x/new.yaml:2:15: vm b: 'all: exclusive'")));
  EXPECT_THAT(Vms(), ElementsAre("a"));
  // The broker may read what the sender may not, and would say what is in it.
  for (const std::string text : {"profiles: [/etc/hostname]\n", "device_tree: /etc/hostname\n"}) {
    grpc::ClientContext other;
    request.set_contents(text);
    ASSERT_TRUE(admin_->CheckPolicy(&other, request, &check).ok());
    EXPECT_THAT(check.problems(), ElementsAre(HasSubstr("/etc/hostname is a file that the running "
                                                        "broker's configuration doesn't name")));
  }
}

}  // namespace
}  // namespace bpmp::daemon
