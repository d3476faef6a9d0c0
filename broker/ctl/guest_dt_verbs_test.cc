// SPDX-License-Identifier: Apache-2.0
// bpmpctl guest-dt, against a real gRPC server and with dtc's tools behind it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/ctl/verbs_fixture.h"
#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/compile_for_test.h"

namespace bpmp::ctl {
namespace {

using devicetree::Tree;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Device MakeDevice(const std::string& name, const std::string& path,
                      const std::vector<uint32_t>& clocks, const std::vector<uint32_t>& resets) {
  v1::Device device;
  device.set_name(name);
  device.add_other_names(path.substr(path.rfind('/') + 1));
  device.add_other_names(path);
  for (const uint32_t id : clocks) {
    device.add_clocks()->set_id(id);
  }
  for (const uint32_t id : resets) {
    device.add_resets()->set_id(id);
  }
  return device;
}

class GuestDtTest : public VerbsTest {
 protected:
  GuestDtTest() {
    std::string name = testing::TempDir() + "/guest-dt-XXXXXX";
    root_ = mkdtemp(name.data());
    Write("host.dtb", devicetree::Compile(devicetree::T234Source()));
    *broker_.devices.add_devices() = MakeDevice("uarta", "/bus@0/serial@3100000", {155}, {100});
    *broker_.devices.add_devices() = MakeDevice("hda", "/bus@0/hda@3510000", {458}, {20, 21});
    broker_.vms[0].mutable_config()->set_name("net-vm");
    broker_.vms[0].mutable_config()->add_devices()->set_device("uarta");
    broker_.vms[0].mutable_config()->add_devices()->set_device("hda@3510000");
  }
  ~GuestDtTest() override { std::filesystem::remove_all(root_); }

  void Write(const std::string& name, const std::string& bytes) {
    std::ofstream(root_ + "/" + name, std::ios::binary) << bytes;
  }
  void Shell(const std::string& command) {
    ASSERT_EQ(std::system(("cd " + root_ + " && " + command).c_str()), 0) << command;
  }
  Result GuestDt(const std::string& vm) {
    return Ctl({"guest-dt", vm, "--host-dtb", root_ + "/host.dtb"});
  }

  std::string root_;
};

template <typename Id>
std::string Ids(const std::vector<devicetree::Provided<Id>>& provided) {
  std::string text;
  for (const auto& one : provided) {
    absl::StrAppend(&text, one.id.value(), ":", std::string(one.name), " ");
  }
  return text;
}

TEST_F(GuestDtTest, AGuestsTreeWithTheOverlayHasTheDevices) {
  const Result result = GuestDt("net-vm");
  EXPECT_EQ(result.code, 0) << result.err;
  Write("vm.dts", result.out);
  // As QEMU writes one: no labels.
  Write("virt.dts",
        "/dts-v1/; / { #address-cells = <2>; #size-cells = <2>; bpmp { phandle = <0x8004>;"
        " compatible = \"nvidia,tegra186-bpmp\"; #clock-cells = <1>; #reset-cells = <1>;"
        " #power-domain-cells = <1>; }; };");
  Shell("dtc -q -I dts -O dtb -o virt.dtb virt.dts");
  // These three stand in docs/bpmpctl.md.
  Shell("dtc -q -@ -I dts -O dtb -o vm.dtbo vm.dts");
  Shell("fdtput -p -t s virt.dtb /__symbols__ bpmp /bpmp");
  Shell("fdtoverlay -i virt.dtb -o guest.dtb vm.dtbo");

  const auto guest = Tree::Read(root_ + "/guest.dtb");
  ASSERT_TRUE(guest.ok()) << guest.status();
  const auto bpmp = FindBpmp(*guest);
  ASSERT_TRUE(bpmp.ok()) << bpmp.status();
  const auto uarta = UseOf(*guest, **bpmp, *guest->FindPath("/serial@3100000"));
  ASSERT_TRUE(uarta.ok()) << uarta.status();
  EXPECT_EQ(Ids(uarta->clocks), "155:uarta ");
  EXPECT_EQ(Ids(uarta->resets), "100: ");
  const auto hda = UseOf(*guest, **bpmp, *guest->FindPath("/hda@3510000"));
  ASSERT_TRUE(hda.ok()) << hda.status();
  EXPECT_EQ(Ids(hda->clocks), "458:aza_bit 457:aza_2xbit ");
  EXPECT_EQ(Ids(hda->resets), "20: 21: ");
  EXPECT_EQ(Ids(hda->power_domains), "3: ");
  EXPECT_EQ(guest->FindPath("/hda@3510000")->Find("iommus"), nullptr);
  EXPECT_TRUE(guest->FindPath("/hda@3510000")->IsEnabled());
}

TEST_F(GuestDtTest, SaysWhatTheBrokersDeviceDoesntGive) {
  EXPECT_THAT(GuestDt("net-vm").err,
              HasSubstr("hda doesn't give clock 457, power domain 3, which its node has"));
}

TEST_F(GuestDtTest, EveryNodeOfTheBoardBecomesAGuests) {
  const Tree host = devicetree::CompileTree(devicetree::T234Source());
  const auto bpmp = FindBpmp(host);
  ASSERT_TRUE(bpmp.ok());
  int nodes = 0;
  for (const devicetree::Node& node : host.nodes()) {
    const auto use = UseOf(host, **bpmp, node);
    ASSERT_TRUE(use.ok()) << use.status();
    if (use->empty()) {
      continue;
    }
    ++nodes;
    SCOPED_TRACE(node.Path());
    *broker_.devices.add_devices() = MakeDevice("it", node.Path(), {}, {});
    broker_.vms[1].mutable_config()->clear_devices();
    broker_.vms[1].mutable_config()->add_devices()->set_device(node.Path());
    const Result result = GuestDt("gpu-vm");
    ASSERT_EQ(result.code, 0) << result.err;
    // In a tree of its own, with the same providers.
    const std::string own = result.out.substr(result.out.find("&{/} {") + 6);
    const Tree guest = devicetree::CompileTree(
        "/dts-v1/; / { bpmp: bpmp { compatible = \"nvidia,tegra186-bpmp\"; #clock-cells = <1>;"
        " #reset-cells = <1>; #power-domain-cells = <1>; }; " +
        own);
    const auto given =
        UseOf(guest, **FindBpmp(guest), *guest.FindPath("/" + std::string(node.name)));
    ASSERT_TRUE(given.ok()) << given.status();
    EXPECT_EQ(Ids(given->clocks), Ids(use->clocks));
    EXPECT_EQ(Ids(given->resets), Ids(use->resets));
    EXPECT_EQ(Ids(given->power_domains), Ids(use->power_domains));
    EXPECT_EQ(given->assigned_clocks.size(), use->assigned_clocks.size());
  }
  EXPECT_EQ(nodes, 77);
}

TEST_F(GuestDtTest, SaysWhatIsMissing) {
  const Result nothing = GuestDt("gpu-vm");
  EXPECT_EQ(nothing.code, 1);
  EXPECT_THAT(nothing.err, HasSubstr("has no devices"));
  EXPECT_THAT(nothing.out, IsEmpty());
  EXPECT_EQ(GuestDt("nobody").code, 4);
  *broker_.devices.add_devices() = MakeDevice("gpu", "/gpu@17000000", {304}, {});
  broker_.vms[0].mutable_config()->add_devices()->set_device("gpu");
  const Result missing = GuestDt("net-vm");
  EXPECT_EQ(missing.code, 4);
  EXPECT_THAT(missing.err, HasSubstr("has no node of device 'gpu' (/gpu@17000000, gpu@17000000, "
                                     "gpu); give the host's own tree by --host-dtb"));
  EXPECT_EQ(Ctl({"guest-dt", "net-vm", "--host-dtb", "/nonexistent.dtb"}).code, 2);
}

}  // namespace
}  // namespace bpmp::ctl
