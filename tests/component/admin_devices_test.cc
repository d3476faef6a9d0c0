// SPDX-License-Identifier: Apache-2.0
// The devices of the board, through the admin API.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/component/admin_fixture.h"

namespace bpmp::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class AdminDevicesTest : public AdminFixture {
 protected:
  std::map<std::string, v1::Device> Devices() {
    v1::ListDevicesResponse response;
    const grpc::Status status =
        Call(*Admin(), &v1::Admin::Stub::ListDevices, &response, [](auto*) {});
    EXPECT_TRUE(status.ok()) << status.error_message();
    std::map<std::string, v1::Device> devices;
    std::string last;
    for (const v1::Device& device : response.devices()) {
      EXPECT_LT(last, device.name());
      last = device.name();
      devices[device.name()] = device;
    }
    return devices;
  }
};

TEST_F(AdminDevicesTest, SaysWhatADeviceIsAndWhoHasIt) {
  const auto devices = Devices();
  ASSERT_TRUE(devices.contains("uarta"));
  const v1::Device& uarta = devices.at("uarta");
  EXPECT_THAT(uarta.other_names(), Contains("serial@3100000"));
  EXPECT_THAT(uarta.vms(), ElementsAre("serial-vm")) << "a grant of its clock alone isn't it";
  ASSERT_EQ(uarta.clocks_size(), 1);
  EXPECT_EQ(uarta.clocks(0).id(), kUarta.value());
  EXPECT_EQ(uarta.clocks(0).name(), "uarta");
  ASSERT_EQ(uarta.resets_size(), 1);
  EXPECT_EQ(uarta.resets(0).id(), kUartaReset.value());
  EXPECT_EQ(uarta.resets(0).name(), "uarta");
  const v1::Device& vic = devices.at("vic");
  ASSERT_EQ(vic.power_domains_size(), 1);
  EXPECT_EQ(vic.power_domains(0).id(), kVicDomain.value());
}

TEST_F(AdminDevicesTest, KnowsVmsThatComeAndGoByAnyName) {
  v1::DefineVmResponse defined;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::DefineVm, &defined, [](auto* request) {
                request->mutable_vm()->set_name("i2c-vm");
                request->mutable_vm()->add_devices()->set_device("i2c@3160000");
              }).ok());
  const auto find = [this] {
    for (const auto& [name, device] : Devices()) {
      for (const std::string& other : device.other_names()) {
        if (other == "i2c@3160000") return device;
      }
    }
    return v1::Device();
  };
  EXPECT_THAT(find().vms(), ElementsAre("i2c-vm"));
  v1::DeleteVmResponse deleted;
  ASSERT_TRUE(Call(*Admin(), &v1::Admin::Stub::DeleteVm, &deleted, [](auto* request) {
                request->set_name("i2c-vm");
              }).ok());
  EXPECT_THAT(find().vms(), IsEmpty());
}

}  // namespace
}  // namespace bpmp::testing
