// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/device_view.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/suggest.h"
#include "broker/ctl/table.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

std::string Joined(const google::protobuf::RepeatedPtrField<v1::NamedId>& ids) {
  return absl::StrJoin(
      ids, ",", [](std::string* out, const v1::NamedId& id) { absl::StrAppend(out, id.name()); });
}

}  // namespace

std::string DeviceTable(const v1::ListDevicesResponse& devices, const Style& style) {
  Table table(
      {{"DEVICE"}, {"ALSO"}, {"VM"}, {"CLOCKS"}, {"SHARED CLOCKS"}, {"RESETS"}, {"DOMAINS"}});
  for (const v1::Device& device : devices.devices()) {
    table.Add({device.name(), device.other_names_size() > 0 ? device.other_names(0) : "",
               absl::StrJoin(device.vms(), ","), Joined(device.clocks()),
               Joined(device.shared_clocks()), Joined(device.resets()),
               Joined(device.power_domains())});
  }
  return table.empty() ? "the board's profile has no devices\n" : table.Render(style);
}

std::vector<std::string> NamesOf(const v1::Device& device) {
  std::vector<std::string> names = {device.name()};
  names.insert(names.end(), device.other_names().begin(), device.other_names().end());
  return names;
}

const v1::Device* FindDevice(const v1::ListDevicesResponse& devices, const std::string& name) {
  for (const v1::Device& device : devices.devices()) {
    const auto& others = device.other_names();
    if (device.name() == name || std::find(others.begin(), others.end(), name) != others.end()) {
      return &device;
    }
  }
  return nullptr;
}

std::vector<std::string> DeviceNames(const v1::ListDevicesResponse& devices) {
  std::vector<std::string> names;
  for (const v1::Device& device : devices.devices()) {
    const std::vector<std::string> more = NamesOf(device);
    names.insert(names.end(), more.begin(), more.end());
  }
  return names;
}

std::string UnknownDevices(const v1::VmConfig& config, const v1::ListDevicesResponse& devices) {
  const std::vector<std::string> names = DeviceNames(devices);
  std::string text;
  for (const v1::DeviceGrantConfig& grant : config.devices()) {
    if (std::find(names.begin(), names.end(), grant.device()) != names.end()) {
      continue;
    }
    absl::StrAppend(&text, "\n  no device ", Quoted(grant.device()),
                    DidYouMean(grant.device(), names), " All there are: bpmpctl device list");
  }
  return text;
}

}  // namespace bpmp::ctl
