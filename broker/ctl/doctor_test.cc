// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "broker/ctl/doctor_checks.h"
#include "broker/ctl/doctor_host.h"
#include "broker/devicetree/compile_for_test.h"
#include "tests/lib/temporary_directory.h"

namespace bpmp::ctl {
namespace {

using ::testing::HasSubstr;

const absl::Time kNow = absl::FromUnixSeconds(1'000'000);

// A host's files.
class FakeHost {
 public:
  HostView view() const { return HostView(directory_.path()); }
  void Write(const std::string& path, const std::string& text) {
    const std::string file = directory_.path() + path;
    std::filesystem::create_directories(std::filesystem::path(file).parent_path());
    std::ofstream(file) << text;
  }
  void AddDevice(const std::string& name, const std::string& driver) {
    const std::string folder = directory_.path() + "/sys/bus/platform/devices/" + name;
    std::filesystem::create_directories(folder);
    if (driver.empty()) return;
    std::filesystem::create_symlink("../../../bus/platform/drivers/" + driver, folder + "/driver");
  }

 private:
  const bpmp::testing::TemporaryDirectory directory_;
};

void AddId(google::protobuf::RepeatedPtrField<v1::NamedId>* ids, uint32_t id,
           const std::string& name) {
  ids->Add()->set_id(id);
  ids->rbegin()->set_name(name);
}

// Two VMs: net-vm has UARTA, gpu-vm a vote on a clock of its own.
Patient TwoVms() {
  Patient patient;
  patient.status.set_backend("kernel");
  v1::Vm* const net = patient.vms.add_vms();
  net->set_name("net-vm");
  net->mutable_config()->add_devices()->set_device("uarta");
  v1::Vm* const gpu = patient.vms.add_vms();
  gpu->set_name("gpu-vm");
  v1::ResourceGrantConfig* const single = gpu->mutable_config()->add_clocks();
  single->set_name("emc");
  single->set_access(v1::ACCESS_VOTE);
  v1::ResourceState* const emc = patient.resources.add_resources();
  emc->set_kind(v1::RESOURCE_KIND_CLOCK);
  emc->set_id(31);
  emc->set_name("emc");
  v1::ResourceState* const clock = patient.resources.add_resources();
  clock->set_kind(v1::RESOURCE_KIND_CLOCK);
  clock->set_id(155);
  clock->set_name("uarta");
  clock->add_exclusive("net-vm");
  v1::Device* const uarta = patient.devices.add_devices();
  uarta->set_name("uarta");
  uarta->add_other_names("/bus@0/serial@3100000");
  uarta->add_other_names("serial@3100000");
  uarta->add_vms("net-vm");
  AddId(uarta->mutable_clocks(), 155, "uarta");
  AddId(uarta->mutable_clocks(), 14, "clk_m");  // others run from it: nobody sets its rate
  AddId(uarta->mutable_shared_clocks(), 102, "pllp_out0");
  AddId(uarta->mutable_resets(), 100, "uarta");
  return patient;
}

constexpr char kAllowed[] =
    "clock 14 enable\nclock 31 enable\nclock 102 enable\nclock 155 control\nreset 100 "
    "enable\nnonsense\nclock x y\n";

TEST(DoctorTest, TheAllowListHasRoomForThePolicy) {
  EXPECT_TRUE(CheckAllowList(TwoVms(), kAllowed).passed());
}

TEST(DoctorTest, WhatTheProxyWontDoIsNamed) {
  const auto check = CheckAllowList(
      TwoVms(),
      "clock 14 enable\nclock 31 enable (the host has none)\nclock 155 enable\nreset 100 enable\n");
  EXPECT_FALSE(check.passed());
  EXPECT_THAT(check.detail(), HasSubstr("clock 102 pllp_out0 of net-vm, "
                                        "clock 155 uarta of net-vm (only on and off), "
                                        "clock 31 emc of gpu-vm"));
  EXPECT_THAT(check.advice(), HasSubstr("nvidia,bpmp-host-proxy"));
}

TEST(DoctorTest, WhatNoProxyLetsThroughIsNamed) {
  Patient patient = TwoVms();
  v1::VmConfig* const config = patient.vms.mutable_vms(1)->mutable_config();
  config->mutable_thermal()->add_zones(0);
  config->set_emc_latency(true);
  config->add_pcie_controllers(5);
  EXPECT_THAT(CheckAllowList(patient, kAllowed).detail(),
              HasSubstr("emc_latency of gpu-vm (it never does), pcie_controllers of gpu-vm (it "
                        "never does), thermal of gpu-vm (it never does)"));
}

TEST(DoctorTest, WhatAVmOnlyReadsIsNoQuestion) {
  Patient patient = TwoVms();
  patient.vms.mutable_vms(1)->mutable_config()->mutable_clocks(0)->set_access(v1::ACCESS_GET);
  EXPECT_TRUE(CheckAllowList(
                  patient, "clock 14 enable\nclock 102 enable\nclock 155 control\nreset 100 enable")
                  .passed());
}

TEST(DoctorTest, ADeviceOfTheHostsOwnDriverIsNamed) {
  FakeHost host;
  EXPECT_THAT(CheckDrivers(TwoVms(), host.view()).detail(), HasSubstr("1 not on this host"));
  host.AddDevice("3100000.serial", "");
  EXPECT_THAT(CheckDrivers(TwoVms(), host.view()).detail(), HasSubstr("1 to no driver"));
  FakeHost bound;
  bound.AddDevice("3100000.serial", "vfio-platform");
  EXPECT_THAT(CheckDrivers(TwoVms(), bound.view()).detail(), HasSubstr("1 bound to vfio-platform"));
  FakeHost taken;
  taken.AddDevice("3100000.serial", "serial-tegra");
  const auto check = CheckDrivers(TwoVms(), taken.view());
  EXPECT_FALSE(check.passed());
  EXPECT_THAT(check.detail(), HasSubstr("serial@3100000 of net-vm by serial-tegra"));
}

TEST(DoctorTest, ADeviceIsFoundByWhicheverNameHasItsAddress) {
  FakeHost taken;
  taken.AddDevice("1234000.foo", "foo-driver");
  for (const char* name : {"foo@1234000", "/bus@0/foo@1234000"}) {
    Patient patient = TwoVms();
    v1::Device* const device = patient.devices.mutable_devices(0);
    device->clear_other_names();
    device->set_name(name);
    patient.vms.mutable_vms(0)->mutable_config()->mutable_devices(0)->set_device(name);
    EXPECT_THAT(CheckDrivers(patient, taken.view()).detail(),
                HasSubstr("foo@1234000 of net-vm by foo-driver"));
  }
}

TEST(DoctorTest, VfioMustTakeDevicesWithoutAResetDriver) {
  constexpr char kParameter[] = "/sys/module/vfio_platform/parameters/reset_required";
  FakeHost host;
  EXPECT_TRUE(CheckVfio(host.view()).passed());
  host.Write(kParameter, "N\n");
  EXPECT_TRUE(CheckVfio(host.view()).passed());
  host.Write(kParameter, "Y\n");
  EXPECT_FALSE(CheckVfio(host.view()).passed());
}

TEST(DoctorTest, AGuestThatNeverAsksHasNoProxy) {
  Patient patient = TwoVms();
  v1::VmSession* const session = patient.vms.mutable_vms(0)->mutable_session();
  session->set_connected(true);
  session->mutable_since()->set_seconds(1'000'000 - 5);
  EXPECT_TRUE(CheckGuests(patient, kNow).passed()) << "it may be booting";
  session->mutable_since()->set_seconds(1'000'000 - 31);
  const auto check = CheckGuests(patient, kNow);
  EXPECT_FALSE(check.passed());
  EXPECT_EQ(check.detail(), "net-vm is connected and asks for nothing");
  session->set_requests(1);
  EXPECT_TRUE(CheckGuests(patient, kNow).passed());
  session->set_requests(0);
  patient.vms.mutable_vms(0)->set_clock_votes(1);
  EXPECT_TRUE(CheckGuests(patient, kNow).passed()) << "it said what it holds when it came back";
}

// A guest that QEMU, process 7, gives a device tree with this window.
void GiveTree(FakeHost* host, const std::string& device, const std::string& window,
              const std::string& options = "-device\n%\n-dtb\n/vm.dtb\n") {
  const auto tree = devicetree::Compile(absl::StrCat(
      "/dts-v1/; / { bpmp { compatible = \"nvidia,tegra186-bpmp\"; ", window, " }; };"));
  host->Write("/proc/7/root/vm.dtb", tree);
  std::string line = absl::StrReplaceAll(absl::StrCat("qemu\n", options), {{"%", device}});
  std::replace(line.begin(), line.end(), '\n', '\0');
  host->Write("/proc/7/cmdline", line);
}

TEST(DoctorTest, AGuestLooksWhereItsDeviceIs) {
  Patient patient = TwoVms();
  patient.vms.mutable_vms(0)->mutable_session()->set_pid(7);
  FakeHost none;
  EXPECT_TRUE(CheckWindows(patient, none.view()).passed());
  constexpr char kAt90d[] = "virtual-pa = <0x0 0x090d0000>;";
  constexpr char kDoorbells[] =
      "mboxes = <&hsp 0 19>; }; hsp: hsp { reg = <0x0 0x0b000000 0x0 0xa0000>;";
  struct {
    const char* device;
    const char* window;
    const char* fault;  // empty: none
  } const kCases[] = {
      {"nvidia-bpmp-guest,broker=unix:/s", kAt90d, ""},
      {"nvidia-bpmp-guest,broker=unix:/s,addr=0x090d0000", kAt90d, ""},
      {"nvidia-bpmp-guest,addr=151846912,broker=unix:/s", kAt90d, ""},
      {"virtio-net", kAt90d, ""},
      {R"({"driver":"nvidia-bpmp-guest","addr":"0x10000000"})", kAt90d,
       "net-vm's kernel looks at 0x90d0000, the device is at 0x10000000"},
      {R"({"driver":"nvidia-bpmp-guest","addr":151846912,"broker":"unix:/s"})", kAt90d, ""},
      {R"({"driver":"nvidia-bpmp-guest",)", kAt90d, ""},
      {"broker=unix:/s,driver=nvidia-bpmp-guest,addr=0x10000000", kAt90d,
       "net-vm's kernel looks at 0x90d0000, the device is at 0x10000000"},
      {"nvidia-bpmp-guest,broker=unix:/s,addr=0x10000000", kAt90d,
       "net-vm's kernel looks at 0x90d0000, the device is at 0x10000000"},
      {"nvidia-bpmp-guest,broker=unix:/s", "virtual-pa = <0x1 0x0>;",
       "net-vm's kernel looks at 0x100000000, the device is at 0x90c0000"},
      {"nvidia-bpmp-guest,broker=unix:/s", "",
       "net-vm's device tree /vm.dtb: its bpmp node has no virtual-pa of two cells"},
      {"nvidia-bpmp-mailbox,broker=unix:/s", kDoorbells, ""},
      {"nvidia-bpmp-mailbox,broker=unix:/s,addr=0x0b000000", kDoorbells, ""},
      {"nvidia-bpmp-mailbox,broker=unix:/s,addr=0x0b200000", kDoorbells,
       "net-vm's kernel looks at 0xb000000, the device is at 0xb200000"},
      {"nvidia-bpmp-mailbox,broker=unix:/s", kAt90d,
       "net-vm's device tree /vm.dtb: its bpmp node has a virtual-pa, the device is a mailbox"},
      {"nvidia-bpmp-mailbox,broker=unix:/s", "",
       "net-vm's device tree /vm.dtb: its bpmp node has no mboxes"},
      {"nvidia-bpmp-mailbox,broker=unix:/s", "mboxes = <9 0 19>;",
       "net-vm's device tree /vm.dtb: what its bpmp node's mboxes refer to has no reg"},
      {"nvidia-bpmp-mailbox,broker=unix:/s", "mboxes = <9>;",
       "net-vm's device tree /vm.dtb: its bpmp node has no mboxes"},
  };
  for (const auto& test : kCases) {
    FakeHost host;
    GiveTree(&host, test.device, test.window);
    const auto check = CheckWindows(patient, host.view());
    EXPECT_EQ(check.passed(), *test.fault == '\0') << test.device;
    if (!check.passed()) {
      EXPECT_EQ(check.detail(), test.fault);
    }
  }
}

TEST(DoctorTest, ADeviceWithoutAnAddressIsWhereThatQemuHasIt) {
  Patient patient = TwoVms();
  v1::VmSession* const session = patient.vms.mutable_vms(0)->mutable_session();
  session->set_pid(7);
  FakeHost host;
  GiveTree(&host, "nvidia-bpmp-guest,broker=unix:/s", "virtual-pa = <0x0 0x090d0000>;");
  for (const auto& [client, fits] : {std::pair("", true),
                                     {"my-vmm 10.0", true},
                                     {"qemu 10.0.2", false},
                                     {"qemu 7.2.22", false},
                                     {"qemu 10.1.0", true},
                                     {"qemu 11.0.0", true}}) {
    session->set_client(client);
    EXPECT_EQ(CheckWindows(patient, host.view()).passed(), fits) << client;
  }
}

TEST(DoctorTest, QemusOptionsHaveSeveralSpellings) {
  Patient patient = TwoVms();
  patient.vms.mutable_vms(0)->mutable_session()->set_pid(7);
  for (const char* options :
       {"--device\n%\n--dtb\n/vm.dtb\n", "-machine\nvirt,dtb=/vm.dtb\n-device\n%\n",
        "-M\ndtb=/vm.dtb\n-device\n%\n"}) {
    FakeHost host;
    GiveTree(&host, "nvidia-bpmp-guest,broker=unix:/s", "virtual-pa = <0x1 0x0>;", options);
    EXPECT_EQ(CheckWindows(patient, host.view()).detail(),
              "net-vm's kernel looks at 0x100000000, the device is at 0x90c0000")
        << options;
  }
}

TEST(DoctorTest, WhatAVmmNamesIsOpenedOnlyIfItIsAFile) {
  Patient patient = TwoVms();
  patient.vms.mutable_vms(0)->mutable_session()->set_pid(7);
  FakeHost host;
  GiveTree(&host, "nvidia-bpmp-guest,broker=unix:/s", "virtual-pa = <0x0 0x090c0000>;");
  const std::string tree = host.view().FileOf(7, "/vm.dtb");
  ASSERT_EQ(unlink(tree.c_str()), 0);
  // To open it for reading would wait for a writer.
  ASSERT_EQ(mkfifo(tree.c_str(), 0600), 0);
  EXPECT_EQ(CheckWindows(patient, host.view()).detail(),
            "net-vm's device tree /vm.dtb: no file, or none that can be read");
}

TEST(DoctorTest, QuarantineIsAProblem) {
  Patient patient;
  EXPECT_TRUE(CheckQuarantine(patient).passed());
  patient.status.set_quarantined(2);
  EXPECT_EQ(CheckQuarantine(patient).detail(), "2 resources");
}

TEST(DoctorTest, FilesThatAreTooLongAreNotRead) {
  FakeHost host;
  host.Write("/sys/kernel/debug/bpmp-host/allowed", std::string(64 * 1024, 'x'));
  EXPECT_TRUE(host.view().AllowedByProxy().has_value());
  host.Write("/sys/kernel/debug/bpmp-host/allowed", std::string(64 * 1024 + 1, 'x'));
  EXPECT_FALSE(host.view().AllowedByProxy().has_value());
}

}  // namespace
}  // namespace bpmp::ctl
