// SPDX-License-Identifier: Apache-2.0
// Whether a guest's kernel looks for the BPMP where its VMM has it.
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "broker/base/string_view.h"
#include "broker/ctl/doctor_checks.h"
#include "broker/ctl/selftest_checks.h"
#include "broker/ctl/units.h"
#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/cells.h"
#include "broker/devicetree/tree.h"

namespace bpmp::ctl {
namespace {

// What a property begins with, as a number of two cells; none where it is shorter.
std::optional<uint64_t> TwoCells(std::string_view value) {
  if (value.size() < 2 * devicetree::kCellSize) return std::nullopt;
  return uint64_t{devicetree::LoadCell(value)} << 32 |
         devicetree::LoadCell(value.substr(devicetree::kCellSize));
}

// Where a device tree has the window of nvidia-bpmp-guest.
absl::StatusOr<uint64_t> WindowIn(const devicetree::Tree& /*tree*/, const devicetree::Node& bpmp) {
  const devicetree::Property* const where = bpmp.Find("virtual-pa");
  if (where == nullptr || where->value.size() != sizeof(uint64_t)) {
    return absl::NotFoundError("its bpmp node has no virtual-pa of two cells");
  }
  return *TwoCells(where->value);
}

// Where a device tree has the doorbells of nvidia-bpmp-mailbox.
absl::StatusOr<uint64_t> DoorbellsIn(const devicetree::Tree& tree, const devicetree::Node& bpmp) {
  if (bpmp.Find("virtual-pa") != nullptr) {
    return absl::InvalidArgumentError("its bpmp node has a virtual-pa, the device is a mailbox");
  }
  const devicetree::Property* const mboxes = bpmp.Find("mboxes");
  if (mboxes == nullptr || mboxes->value.size() < 2 * devicetree::kCellSize) {
    return absl::NotFoundError("its bpmp node has no mboxes");
  }
  const devicetree::Node* const hsp = tree.FindPhandle(devicetree::LoadCell(mboxes->value));
  const devicetree::Property* const reg = hsp == nullptr ? nullptr : hsp->Find("reg");
  const auto address = reg == nullptr ? std::nullopt : TwoCells(reg->value);
  if (!address) return absl::NotFoundError("what its bpmp node's mboxes refer to has no reg");
  return *address;
}

struct FrontEnd {
  const char* device;
  // Where it is if it isn't told (qemu-client/qemu/docs/specs): the first that is free. QEMU before
  // 10.1 has nothing else there; since then that depends on the machine's options.
  std::array<uint64_t, 2> places;
  absl::StatusOr<uint64_t> (*in_tree)(const devicetree::Tree&, const devicetree::Node& bpmp);
};
constexpr FrontEnd kFrontEnds[] = {
    {"nvidia-bpmp-guest", {0x090c0000, 0x090d0000}, WindowIn},
    {"nvidia-bpmp-mailbox", {0x0b000000, 0x0b000000}, DoorbellsIn},
};

// Where the device of "qemu 10.0.2" is if it isn't told.
std::vector<uint64_t> PlacesFor(const std::string& client, const FrontEnd& front_end) {
  const std::vector<absl::string_view> words = absl::StrSplit(client, absl::ByAnyChar(" ."));
  int major = 0;
  int minor = 0;
  const bool known = words.size() >= 3 && words[0] == "qemu" &&
                     absl::SimpleAtoi(words[1], &major) && absl::SimpleAtoi(words[2], &minor);
  if (known && std::pair(major, minor) < std::pair(10, 1)) return {front_end.places[0]};
  return {front_end.places.begin(), front_end.places.end()};
}

// What follows `option`, with one or two dashes.
std::optional<std::string> Argument(const std::vector<std::string>& arguments,
                                    std::string_view option) {
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    const std::string& name = arguments[i];
    if (name == option || name == absl::StrCat("-", ToAbsl(option))) {
      return arguments[i + 1];
    }
  }
  return std::nullopt;
}

// The guest's device tree, if it isn't QEMU's own.
std::optional<std::string> TreeIn(const std::vector<std::string>& arguments) {
  if (auto tree = Argument(arguments, "-dtb")) return tree;
  for (const std::string_view option : {"-machine", "-M"}) {
    const auto machine = Argument(arguments, option);
    if (!machine) continue;
    for (absl::string_view part : absl::StrSplit(*machine, ',')) {
      if (absl::ConsumePrefix(&part, "dtb=")) return std::string(part);
    }
  }
  return std::nullopt;
}

// What follows a -device: "DRIVER,addr=0x...", "driver=DRIVER,..." or JSON.
struct Device {
  std::string driver;
  std::string addr;  // as it is written; empty where it isn't said
};
Device ReadDevice(const std::string& text) {
  Device device;
  google::protobuf::Struct json;
  if (absl::StartsWith(text, "{") &&
      google::protobuf::util::JsonStringToMessage(text, &json).ok()) {
    const auto& fields = json.fields();
    const auto value = [&fields](const char* name) {
      const auto it = fields.find(name);
      if (it == fields.end()) return std::string();
      const google::protobuf::Value& field = it->second;
      return field.has_number_value() ? absl::StrCat(static_cast<uint64_t>(field.number_value()))
                                      : field.string_value();
    };
    return {value("driver"), value("addr")};
  }
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    if (device.driver.empty() && !absl::StrContains(part, '=')) device.driver = std::string(part);
    if (absl::ConsumePrefix(&part, "driver=")) device.driver = std::string(part);
    if (absl::ConsumePrefix(&part, "addr=")) device.addr = std::string(part);
  }
  return device;
}

// The VMM's device of that kind.
std::optional<Device> FindDevice(const std::vector<std::string>& arguments,
                                 std::string_view driver) {
  for (size_t i = 0; i + 1 < arguments.size(); ++i) {
    if (arguments[i] != "-device" && arguments[i] != "--device") continue;
    Device device = ReadDevice(arguments[i + 1]);
    if (device.driver == driver) return device;
  }
  return std::nullopt;
}

// Where the guest whose device tree this is looks. Else why that can't be said.
absl::StatusOr<uint64_t> AskedBy(const std::string& path, const FrontEnd& front_end) {
  // A VMM chooses the name, and to open some files does something, or never ends.
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) {
    return absl::InvalidArgumentError("no file, or none that can be read");
  }
  auto tree = devicetree::Tree::Read(path);
  if (!tree.ok()) return tree.status();
  const auto bpmp = devicetree::FindBpmp(*tree);
  if (!bpmp.ok()) return bpmp.status();
  return front_end.in_tree(*tree, **bpmp);
}

// What is wrong with one VM's front end, if its VMM has that; "" where nothing is, or nothing can
// be said.
std::string FaultOf(const v1::Vm& vm, const HostView& host,
                    const std::vector<std::string>& arguments, const FrontEnd& front_end) {
  const auto device = FindDevice(arguments, front_end.device);
  const auto tree = TreeIn(arguments);
  // Without a tree of its own the guest has QEMU's, which fits.
  if (!device || !tree) return "";
  const auto asked = AskedBy(host.FileOf(vm.session().pid(), *tree), front_end);
  if (!asked.ok()) {
    return absl::StrCat(vm.name(), "'s device tree ", *tree, ": ", asked.status().message());
  }
  const auto given = ParseNumber(device->addr, std::numeric_limits<uint64_t>::max(), "an address");
  const std::vector<uint64_t> places =
      given.ok() ? std::vector{*given} : PlacesFor(vm.session().client(), front_end);
  if (std::find(places.begin(), places.end(), *asked) != places.end()) return "";
  return absl::StrFormat("%s's kernel looks at 0x%x, the device is at 0x%x", vm.name(), *asked,
                         places[0]);
}

}  // namespace

v1::SelftestCheck CheckWindows(const Patient& patient, const HostView& host) {
  std::vector<std::string> faults;
  for (const v1::Vm& vm : patient.vms.vms()) {
    if (vm.session().pid() <= 0) continue;
    const std::vector<std::string> arguments = host.CommandLine(vm.session().pid());
    for (const FrontEnd& front_end : kFrontEnds) {
      std::string fault = FaultOf(vm, host, arguments, front_end);
      if (!fault.empty()) faults.push_back(std::move(fault));
    }
  }
  if (faults.empty()) {
    return Passed("windows", "no guest's device tree has another address than its VMM");
  }
  return Failed("windows", FirstOf(faults),
                "make the tree's bpmp node (virtual-pa, or reg of its mboxes) and addr= of QEMU's "
                "device the same");
}

}  // namespace bpmp::ctl
