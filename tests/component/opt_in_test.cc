// SPDX-License-Identifier: Apache-2.0
// The MRQs that a VM has only if its entry says so, as its guest and as an administrator see them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "broker/mrq/codec.h"
#include "tests/component/admin_fixture.h"
#include "tests/lib/child_guest.h"
#include "tests/lib/guest_client.h"

namespace bpmp::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr PcieControllerId kPcie{5};

constexpr char kMore[] = R"(
  vms {
    name: "gpu-vm" thermal { zones: 0 zones: 8 } emc_latency: true pcie_controllers: 5
  }
  vms { name: "plain-vm" })";

constexpr int32_t Error(mrq::Error error) { return -static_cast<int32_t>(error); }

class OptInTest : public AdminFixture {
 protected:
  OptInTest() : AdminFixture(kMore) {}

  static mrq::Request Switch(bool on) { return mrq::ToUphyRequest({kPcie, false, on}); }
  static int32_t Abi(GuestClient* guest, uint32_t mrq) {
    const mrq::Response answer = guest->Transfer(mrq::QueryAbiRequest{mrq});
    return static_cast<int32_t>(mrq::ReadU32(answer).value_or(1));
  }
  bool IsOn() {
    return broker_.sim().WithModel([](auto& model) { return model.pcie().on(kPcie); });
  }
};

// What Linux' thermal driver sends: since 6.12 it asks for trips, before it doesn't.
TEST_F(OptInTest, AThermalDriverProbes) {
  GuestClient guest(broker_.socket("gpu-vm"));
  guest.Hello();
  EXPECT_EQ(guest.Transfer(mrq::ThermalRequest{mrq::ThermalCmd::kQueryAbi, 2}).error,
            Error(mrq::Error::kNoDev))
      << "no trips";
  const mrq::Response count = guest.Transfer(mrq::ThermalRequest{mrq::ThermalCmd::kGetNumZones, 0});
  ASSERT_EQ(mrq::ReadU32(count).value_or(0), 9u);
  std::vector<uint32_t> zones;
  for (uint32_t zone = 0; zone < 9; ++zone) {
    const mrq::Response answer =
        guest.Transfer(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, zone});
    if (!answer.ok()) {
      EXPECT_EQ(answer.error, Error(mrq::Error::kAccess));
      continue;
    }
    zones.push_back(zone);
    EXPECT_EQ(mrq::ReadU32(answer).value_or(0), 46'500u);
  }
  EXPECT_THAT(zones, ElementsAre(0, 8));
}

TEST_F(OptInTest, AMemoryControllerReadsItsLatencies) {
  GuestClient guest(broker_.socket("gpu-vm"));
  guest.Hello();
  EXPECT_EQ(Abi(&guest, 31), 0);
  const auto table = mrq::ReadEmcLatency(guest.Transfer(mrq::EmcDvfsLatencyRequest{}));
  ASSERT_TRUE(table.ok()) << table.status();
  EXPECT_EQ(table->count, 4u);
  EXPECT_EQ(table->pairs[3].khz, 3'199'000u);
}

TEST_F(OptInTest, WhoDoesntOptInHasNone) {
  GuestClient guest(broker_.socket("plain-vm"));
  guest.Hello();
  for (const uint32_t mrq : {27u, 31u, 69u}) EXPECT_EQ(Abi(&guest, mrq), -19) << mrq;
  const uint64_t calls = broker_.sim().calls();
  for (const mrq::Request& request :
       {mrq::Request(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, 0}),
        mrq::Request(mrq::EmcDvfsLatencyRequest{}), Switch(true)}) {
    EXPECT_EQ(guest.Transfer(request).error, Error(mrq::Error::kInval)) << mrq::Describe(request);
  }
  EXPECT_EQ(broker_.sim().calls(), calls);
}

// With all that a policy can open opened.
TEST_F(OptInTest, NothingElseIsOpened) {
  GuestClient guest(broker_.socket("gpu-vm"));
  guest.Hello();
  const uint64_t calls = broker_.sim().calls();
  for (const uint32_t mrq : {1u, 19u, 21u, 28u, 67u, 75u, 76u, 77u, 83u, 84u, 12345u}) {
    EXPECT_EQ(Abi(&guest, mrq), -19) << mrq;
    v1::TransferResponse answer;
    EXPECT_TRUE(Call(guest.stub(), &v1::Guest::Stub::Transfer, &answer, [mrq](auto* request) {
                  request->mutable_request()->set_mrq(mrq);
                  request->mutable_request()->set_tx(std::string(20, '\1'));
                }).ok());
    EXPECT_EQ(answer.response().error(), Error(mrq::Error::kInval)) << mrq;
  }
  mrq::UphyRequest margin;
  margin.cmd = mrq::UphyCmd::kMarginControl;
  margin.payload_size = 20;
  EXPECT_EQ(guest.Transfer(margin).error, Error(mrq::Error::kInval));
  EXPECT_EQ(broker_.sim().calls(), calls);
}

TEST_F(OptInTest, APcieControllerGoesOffWithItsGuest) {
  GuestClient guest(broker_.socket("gpu-vm"));
  guest.Hello();
  EXPECT_EQ(guest.Transfer(Switch(true)).error, 0);
  EXPECT_TRUE(IsOn());
  EXPECT_EQ(guest.Transfer(mrq::ToUphyRequest({PcieControllerId(4), false, true})).error,
            Error(mrq::Error::kAccess));

  v1::Vm vm;
  EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::GetVm, &vm, [](auto* request) {
                request->set_name("gpu-vm");
              }).ok());
  ASSERT_EQ(vm.holds_size(), 1);
  EXPECT_EQ(vm.holds(0).kind(), v1::RESOURCE_KIND_PCIE_CONTROLLER);
  EXPECT_EQ(vm.holds(0).name(), "PCIe controller 5");
  EXPECT_EQ(vm.holds(0).gate(), v1::GATE_STATE_ON);

  guest.MachineReset();
  broker_.WaitFor("released", "gpu-vm");
  EXPECT_FALSE(IsOn());
}

TEST_F(OptInTest, APcieControllerGoesOffWithTheProcessOfItsVm) {
  ChildGuest child;
  ASSERT_THAT(child.Ask("hello " + broker_.socket("gpu-vm")), HasSubstr("welcome"));
  v1::TransferAsResponse done;
  EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::TransferAs, &done, [](auto* request) {
                request->set_vm("gpu-vm");
                *request->mutable_request() = ToMessage(Switch(true));
              }).ok());
  EXPECT_EQ(done.response().error(), 0);
  EXPECT_TRUE(IsOn());
  child.Kill();
  broker_.WaitFor("released", "gpu-vm");
  EXPECT_FALSE(IsOn());
}

TEST_F(OptInTest, AReleaseThatFailsIsQuarantinedAndCleared) {
  GuestClient guest(broker_.socket("gpu-vm"));
  guest.Hello();
  EXPECT_EQ(guest.Transfer(Switch(true)).error, 0);
  AddFault("UPHY CONTROLLER_STATE error=EIO count=1");
  v1::ReleaseVmResponse released;
  EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::ReleaseVm, &released, [](auto* request) {
                request->set_name("gpu-vm");
              }).ok());
  ASSERT_EQ(released.quarantined_size(), 1);
  EXPECT_EQ(released.quarantined(0).kind(), v1::RESOURCE_KIND_PCIE_CONTROLLER);
  v1::ClearQuarantineResponse cleared;
  EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::ClearQuarantine, &cleared, [](auto* request) {
                *request->mutable_resource() = WithId(5, v1::RESOURCE_KIND_PCIE_CONTROLLER);
              }).ok());
}

TEST_F(OptInTest, OnlyOneVmIsGivenAController) {
  v1::DefineVmResponse defined;
  const grpc::Status second =
      Call(*Admin(), &v1::Admin::Stub::DefineVm, &defined, [](auto* request) {
        request->mutable_vm()->set_name("second");
        request->mutable_vm()->add_pcie_controllers(5);
      });
  EXPECT_EQ(second.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(second.error_message(), HasSubstr("vm gpu-vm has PCIe controller 5 too"));
  const grpc::Status empty =
      Call(*Admin(), &v1::Admin::Stub::DefineVm, &defined, [](auto* request) {
        request->mutable_vm()->set_name("second");
        request->mutable_vm()->mutable_thermal();
      });
  EXPECT_EQ(empty.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(empty.error_message(), HasSubstr("zones: [0, 8]"));
}

TEST_F(OptInTest, IsExplainedAndSuggested) {
  v1::ExplainResponse why;
  EXPECT_TRUE(
      Call(*Admin(), &v1::Admin::Stub::Explain, &why, [](auto* request) {
        request->set_vm("plain-vm");
        *request->mutable_request() = ToMessage(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, 8});
      }).ok());
  EXPECT_EQ(why.reason(), "not-opted-in");
  EXPECT_THAT(why.text(), HasSubstr("write 'thermal: {zones: [0]}' into its policy"));

  GuestClient guest(broker_.socket("plain-vm"));
  guest.Hello();
  guest.Transfer(mrq::ThermalRequest{mrq::ThermalCmd::kGetTemp, 8});
  guest.Transfer(mrq::EmcDvfsLatencyRequest{});
  guest.Transfer(mrq::ToUphyRequest({PcieControllerId(4), false, true}));
  v1::SuggestPolicyResponse suggested;
  EXPECT_TRUE(Call(*Admin(), &v1::Admin::Stub::SuggestPolicy, &suggested, [](auto* request) {
                request->set_vm("plain-vm");
              }).ok());
  EXPECT_THAT(suggested.vm().thermal().zones(), ElementsAre(8));
  EXPECT_TRUE(suggested.vm().emc_latency());
  EXPECT_THAT(suggested.vm().pcie_controllers(), ElementsAre(4));
}

TEST_F(OptInTest, APcieControllerCantBePinned) {
  v1::PinResponse pinned;
  const grpc::Status status = Call(*Admin(), &v1::Admin::Stub::Pin, &pinned, [](auto* request) {
    *request->mutable_resource() = WithId(5, v1::RESOURCE_KIND_PCIE_CONTROLLER);
  });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(status.error_message(), HasSubstr("a PCIe controller can't be pinned"));
  EXPECT_FALSE(IsOn());
}

}  // namespace
}  // namespace bpmp::testing
