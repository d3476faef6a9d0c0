// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/guest_overlay.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/ctl/device_view.h"
#include "broker/ctl/guest_node.h"
#include "broker/ctl/style.h"
#include "broker/devicetree/devices.h"

namespace bpmp::ctl {
namespace {

using devicetree::Node;
using NamedIds = google::protobuf::RepeatedPtrField<v1::NamedId>;

// Paths first, then names with an address: a friendly name may be another node's label.
absl::StatusOr<const Node*> FindNode(const v1::Device& device, const HostTree& host) {
  std::vector<std::string> names = NamesOf(device);
  const auto weight = [](const std::string& name) {
    return name[0] == '/' ? 0 : name.find('@') != std::string::npos ? 1 : 2;
  };
  std::stable_sort(names.begin(), names.end(), [&](const std::string& a, const std::string& b) {
    return weight(a) < weight(b);
  });
  for (const std::string& name : names) {
    const absl::StatusOr<const Node*> node = host.tree.Resolve(name);
    if (node.ok()) {
      return *node;
    }
  }
  return absl::NotFoundError(absl::StrCat(host.tree.origin(), " has no node of device ",
                                          Quoted(device.name()), " (", absl::StrJoin(names, ", "),
                                          "); give the host's own tree by --host-dtb"));
}

template <typename Id>
void AddMissing(const char* what, const std::vector<Id>& needed, const NamedIds& given,
                const NamedIds& also_given, std::vector<std::string>* missing) {
  for (const Id id : needed) {
    const auto is_it = [id](const v1::NamedId& one) { return one.id() == id.value(); };
    if (std::none_of(given.begin(), given.end(), is_it) &&
        std::none_of(also_given.begin(), also_given.end(), is_it)) {
      missing->push_back(absl::StrCat(what, " ", id.value()));
    }
  }
}

}  // namespace

absl::StatusOr<std::vector<GuestDevice>> FindGuestDevices(const v1::VmConfig& vm,
                                                          const v1::ListDevicesResponse& devices,
                                                          const HostTree& host) {
  std::vector<GuestDevice> found;
  for (const v1::DeviceGrantConfig& grant : vm.devices()) {
    const v1::Device* device = FindDevice(devices, grant.device());
    if (device == nullptr) {
      return absl::NotFoundError(absl::StrCat("the broker has no device ", Quoted(grant.device())));
    }
    BPMP_ASSIGN_OR_RETURN(const Node* node, FindNode(*device, host));
    found.push_back({*device, node});
  }
  if (found.empty()) {
    return absl::FailedPreconditionError(absl::StrCat(
        vm.name(), " has no devices; a node is written for each of 'devices' in its entry"));
  }
  return found;
}

absl::StatusOr<std::string> GuestOverlay(const std::string& vm,
                                         const std::vector<GuestDevice>& devices,
                                         const HostTree& host) {
  std::string text = absl::StrCat("// Devices of ", Printable(vm),
                                  " for its guest's device tree, by bpmpctl guest-dt from ",
                                  Printable(host.tree.origin()), ".\n",
                                  "// reg, ranges and interrupts are the host's: change them to "
                                  "where the VMM puts the device.\n"
                                  "/dts-v1/;\n/plugin/;\n\n&{/} {\n");
  GuestNode::Nodes given;
  for (const GuestDevice& device : devices) {
    given.insert(device.node);
  }
  GuestNode writer(host, given);
  bool first = true;
  for (const GuestDevice& device : devices) {
    BPMP_ASSIGN_OR_RETURN(const bool written, writer.IsWithinAnother(*device.node));
    if (written) {
      continue;
    }
    BPMP_ASSIGN_OR_RETURN(const std::string node, writer.Write(*device.node, 1));
    absl::StrAppend(&text, first ? "" : "\n", "\t// ", Printable(device.device.name()), ": ",
                    device.node->Path(), "\n", node);
    first = false;
  }
  return absl::StrCat(text, "};\n");
}

std::vector<std::string> NotGiven(const std::vector<GuestDevice>& devices, const HostTree& host) {
  std::vector<std::string> lines;
  for (const GuestDevice& one : devices) {
    const auto node = DeviceOf(host.tree, *host.bpmp, *one.node);
    if (!node.ok()) {
      lines.emplace_back(node.status().message());
      continue;
    }
    std::vector<std::string> missing;
    AddMissing("clock", node->clocks, one.device.clocks(), one.device.shared_clocks(), &missing);
    AddMissing("reset", node->resets, one.device.resets(), {}, &missing);
    AddMissing("power domain", node->power_domains, one.device.power_domains(), {}, &missing);
    if (!missing.empty()) {
      lines.push_back(absl::StrCat(one.device.name(), " doesn't give ",
                                   absl::StrJoin(missing, ", "),
                                   ", which its node has: the guest's driver may be refused; see: "
                                   "bpmpctl profile from-dtb"));
    }
  }
  return lines;
}

}  // namespace bpmp::ctl
