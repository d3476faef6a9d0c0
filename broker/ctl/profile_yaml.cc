// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/profile_yaml.h"

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {
namespace {

using devicetree::TreeDevice;
using Ids = google::protobuf::RepeatedField<uint32_t>;

// YAML takes some characters and words for something else.
std::string Scalar(const std::string& text) {
  const bool plain =
      absl::ascii_isalpha(static_cast<unsigned char>(text.front())) || text.front() == '/';
  return plain && text.find(',') == std::string::npos && absl::AsciiStrToLower(text) != "null"
             ? text
             : absl::StrCat("\"", text, "\"");
}

// "p3737-0000+p3701-0000" of "nvidia,p3737-0000+p3701-0000".
std::string BoardName(const devicetree::Tree& tree) {
  const std::vector<std::string_view> compatible = tree.root().Strings("compatible");
  std::string name(compatible.empty() ? "board" : compatible[0]);
  name.erase(0, name.find(',') + 1);
  const bool good = !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) ||
           std::string_view("._+-").find(c) != std::string_view::npos;
  });
  return good ? name : "board";
}

// A line "    clocks: [155, 102]  # serial parent", or nothing.
template <typename Id>
std::string List(const char* key, const Ids& ids,
                 const std::vector<devicetree::Provided<Id>>& provided) {
  if (ids.empty()) {
    return "";
  }
  std::vector<std::string> names;
  for (const uint32_t id : ids) {
    for (const devicetree::Provided<Id>& one : provided) {
      if (one.id.value() == id && !one.name.empty()) {
        names.push_back(Printable(one.name));
        break;
      }
    }
  }
  return absl::StrCat("    ", key, ": [", absl::StrJoin(ids, ", "), "]",
                      names.empty() ? "" : absl::StrCat("  # ", absl::StrJoin(names, " ")), "\n");
}

// What Linux sets before the driver starts and the driver doesn't hold. Linux goes on without it.
std::string Assigned(const TreeDevice& device) {
  std::set<uint32_t> others;
  for (const devicetree::AssignedClock& one : device.use.assigned_clocks) {
    if (std::find(device.clocks.begin(), device.clocks.end(), one.clock) == device.clocks.end()) {
      others.insert(one.clock.value());
    }
  }
  return others.empty() ? ""
                        : absl::StrCat(
                              "    # assigned-clocks has these too, which the device "
                              "isn't given: ",
                              absl::StrJoin(others, " "), "\n");
}

std::string DeviceYaml(const v1::ProfileDevice& device, const TreeDevice& found) {
  std::vector<std::string> names;
  for (const std::string& name : device.names()) {
    names.push_back(Scalar(name));
  }
  return absl::StrCat(
      found.node->IsEnabled() ? "" : "  # Disabled in this tree.\n", "  - names: [",
      absl::StrJoin(names, ", "), "]\n", List("clocks", device.clocks(), found.use.clocks),
      List("shared_clocks", device.shared_clocks(), found.use.clocks),
      List("resets", device.resets(), found.use.resets),
      List("power_domains", device.power_domains(), found.use.power_domains), Assigned(found));
}

}  // namespace

v1::DeviceProfile MakeProfile(const devicetree::Tree& tree,
                              const std::vector<const TreeDevice*>& chosen,
                              const std::vector<TreeDevice>& all) {
  absl::flat_hash_map<ClockId, int> users;
  for (const TreeDevice& device : all) {
    for (const ClockId clock : device.clocks) {
      ++users[clock];
    }
  }
  v1::DeviceProfile profile;
  profile.set_name(BoardName(tree));
  for (const TreeDevice* found : chosen) {
    v1::ProfileDevice* device = profile.add_devices();
    device->mutable_names()->Add(found->names.begin(), found->names.end());
    for (const ClockId clock : found->clocks) {
      (users[clock] > 1 ? device->mutable_shared_clocks() : device->mutable_clocks())
          ->Add(clock.value());
    }
    for (const ResetId reset : found->resets) {
      device->add_resets(reset.value());
    }
    for (const DomainId domain : found->power_domains) {
      device->add_power_domains(domain.value());
    }
  }
  return profile;
}

std::string ProfileYaml(const devicetree::Tree& tree, const v1::DeviceProfile& profile,
                        const std::vector<const TreeDevice*>& chosen) {
  std::string text = absl::StrCat(
      "# Devices of ", Printable(tree.origin()), ", by bpmpctl profile from-dtb.\n",
      "# Behind the ids stands what the device's driver calls them. shared_clocks: other nodes of\n"
      "# that tree list them as well.\n",
      "name: ", Scalar(profile.name()), "\ndevices:\n");
  for (int i = 0; i < profile.devices_size(); ++i) {
    absl::StrAppend(&text, DeviceYaml(profile.devices(i), *chosen[static_cast<size_t>(i)]));
  }
  return text;
}

}  // namespace bpmp::ctl
