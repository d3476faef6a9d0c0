// SPDX-License-Identifier: Apache-2.0
// Admin.UpdateVm: another entry for a VM that runs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>

#include "tests/component/drain_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class AdminUpdateTest : public DrainFixture {
 protected:
  // The VM's entry as it is, changed by `change`.
  grpc::Status Update(const std::string& vm, const std::function<void(v1::VmConfig*)>& change,
                      const std::function<void(v1::UpdateVmRequest*)>& how = nullptr) {
    return Call(*Admin(), &v1::Admin::Stub::UpdateVm, &response_, [&](auto* request) {
      *request->mutable_vm() = Get(vm).config();
      change(request->mutable_vm());
      if (how != nullptr) how(request);
    });
  }
  static void TakeDevices(v1::VmConfig* vm) { vm->clear_devices(); }

  v1::UpdateVmResponse response_;
};

TEST_F(AdminUpdateTest, ADeviceIsGivenAtOnce) {
  GuestClient guest(broker_.socket("voter-vm"));
  guest.Hello();
  EXPECT_EQ(Enable("voter-vm", Named("i2c1")).error_name(), "EACCES");
  const grpc::Status status =
      Update("voter-vm", [](auto* vm) { vm->add_devices()->set_device("i2c@3160000"); });
  ASSERT_TRUE(status.ok()) << status.error_message();
  EXPECT_EQ(response_.vm().config().devices_size(), 1);
  EXPECT_EQ(Get("voter-vm").config().devices_size(), 1);
  ASSERT_EQ(response_.difference().vms_size(), 1);
  EXPECT_EQ(response_.difference().vms(0).vm(), "voter-vm");
  EXPECT_THAT(response_.difference().vms(0).text(), Contains(HasSubstr("gains device")));
  EXPECT_THAT(response_.notes(), Not(Contains(HasSubstr("uid separates nothing"))));
  EXPECT_EQ(Enable("voter-vm", Named("i2c1")).error(), 0);
  guest.KeepAlive();
  EXPECT_THAT(broker_.WaitFor("vm-updated", "voter-vm").text, HasSubstr("gains device"));
}

TEST_F(AdminUpdateTest, WhatIsTakenStaysUntilItIsDropped) {
  Enable("serial-vm", Named("uarta"));
  ASSERT_TRUE(Update("serial-vm", TakeDevices).ok());
  ASSERT_EQ(response_.difference().vms_size(), 1);
  EXPECT_EQ(response_.difference().vms(0).unallowed_size(), 1);
  EXPECT_TRUE(Enabled(kUarta));
  EXPECT_EQ(Disable("serial-vm", Named("uarta")).error(), 0);
  EXPECT_FALSE(Enabled(kUarta));
  EXPECT_EQ(Enable("serial-vm", Named("uarta")).error_name(), "EACCES");
}

TEST_F(AdminUpdateTest, ByChoiceItIsUndoneAtOnce) {
  Enable("serial-vm", Named("uarta"));
  ASSERT_TRUE(Update("serial-vm", TakeDevices, [](auto* request) {
                request->set_votes(v1::ReloadPolicyRequest::DROP);
              }).ok());
  EXPECT_TRUE(Wait("serial-vm")->End().ok());
  EXPECT_FALSE(Enabled(kUarta));
}

TEST_F(AdminUpdateTest, WhatSomebodyElseHasChangedIsNotWrittenOver) {
  const v1::VmConfig before = Get("voter-vm").config();
  const auto as_read = [&](auto* request) { *request->mutable_before() = before; };
  const auto hide = [](auto* vm) { vm->set_ids(v1::VmConfig::HIDDEN); };
  ASSERT_TRUE(Update("voter-vm", hide, as_read).ok());
  const grpc::Status late = Update("voter-vm", TakeDevices, as_read);
  EXPECT_EQ(late.error_code(), grpc::StatusCode::ABORTED);
  EXPECT_THAT(late.error_message(), HasSubstr("somebody else has changed vm 'voter-vm'"));
  EXPECT_EQ(Get("voter-vm").config().ids(), v1::VmConfig::HIDDEN);
}

TEST_F(AdminUpdateTest, ADryRunChangesNothing) {
  ASSERT_TRUE(
      Update("serial-vm", TakeDevices, [](auto* request) { request->set_dry_run(true); }).ok());
  EXPECT_EQ(response_.difference().vms_size(), 1);
  EXPECT_THAT(response_.vm().config().devices(), IsEmpty());
  EXPECT_EQ(Get("serial-vm").config().devices_size(), 1);
  EXPECT_EQ(Enable("serial-vm", Named("uarta")).error(), 0);
}

TEST_F(AdminUpdateTest, WhatIsWrongIsRefusedWhole) {
  const grpc::Status taken = Update("voter-vm", [](auto* vm) {
    vm->add_devices()->set_device("i2c@3160000");
    vm->add_devices()->set_device("vic");
  });
  EXPECT_EQ(taken.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(taken.error_message(), HasSubstr("video-vm"));
  const grpc::Status unknown =
      Update("voter-vm", [](auto* vm) { vm->add_devices()->set_device("vik"); });
  EXPECT_EQ(unknown.error_code(), grpc::StatusCode::INVALID_ARGUMENT);
  EXPECT_THAT(Get("voter-vm").config().devices(), IsEmpty());
  EXPECT_EQ(Enable("voter-vm", Named("i2c1")).error_name(), "EACCES");
}

TEST_F(AdminUpdateTest, WhatAnOpenSocketWasMadeWithStays) {
  const grpc::Status mode = Update("serial-vm", [](auto* vm) { vm->set_mode("0660"); });
  EXPECT_EQ(mode.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
  EXPECT_EQ(mode.error_message(),
            "vm serial-vm: 'mode' differs, and its socket is open: start the broker again, or "
            "remove the VM first (bpmpctl vm remove serial-vm)");
  const grpc::Status peer =
      Update("serial-vm", [](auto* vm) { vm->mutable_peer()->set_unit("a.service"); });
  EXPECT_EQ(peer.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
}

TEST_F(AdminUpdateTest, WhatBecameWorthSayingIsNoted) {
  ASSERT_TRUE(Update("serial-vm", [](auto* vm) { vm->set_audit_only(true); }).ok());
  EXPECT_THAT(response_.notes(), Contains(HasSubstr("vm serial-vm: AUDIT-ONLY")));
  ASSERT_TRUE(Update("serial-vm", [](auto*) {}).ok());
  EXPECT_THAT(response_.notes(), Not(Contains(HasSubstr("AUDIT-ONLY")))) << "once is enough";
}

TEST_F(AdminUpdateTest, ThereMustBeSuchAVm) {
  const grpc::Status status = Update("serial-vm", [](auto* vm) { vm->set_name("serial"); });
  EXPECT_EQ(status.error_code(), grpc::StatusCode::NOT_FOUND);
  EXPECT_THAT(status.error_message(), HasSubstr("there are serial-vm"));
  EXPECT_EQ(Update("serial-vm", [](auto* vm) { vm->clear_name(); }).error_code(),
            grpc::StatusCode::NOT_FOUND);
}

}  // namespace
}  // namespace bpmp::testing
