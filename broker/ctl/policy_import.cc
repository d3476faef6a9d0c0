// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/policy_import.h"

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/ctl/style.h"
#include "broker/ctl/words.h"
#include "broker/devicetree/devices.h"

namespace bpmp::ctl {
namespace {

using devicetree::TreeDevice;
using Grants = google::protobuf::RepeatedPtrField<v1::ResourceGrantConfig>;

// Tegra234's inputs and fixed roots (clk_m, osc, pllp_out0, utmip_pll, pllrefe_vcoout,
// utmipll_clkout480, pllrefe_vcoout_gated): whole subtrees run from each.
constexpr uint32_t kRoots[] = {14, 91, 102, 103, 288, 292, 327};

// "net" of "bpmp-host-net" and of "bpmp-host-proxy-net"; empty where that makes no name of a VM.
std::string VmName(const ProxyNode& proxy) {
  const std::vector<std::string_view> device_name = proxy.node->Strings("device-name");
  std::string name(device_name.empty() ? proxy.node->name : device_name[0]);
  for (const std::string_view prefix : {"bpmp-host-proxy", "bpmp-host", "-", "@"}) {
    if (absl::StartsWith(name, ToAbsl(prefix))) {
      name.erase(0, prefix.size());
    }
  }
  absl::AsciiStrToLower(&name);
  const bool good = !name.empty() && name.size() <= 48 && name != "host" &&
                    absl::ascii_isalnum(static_cast<unsigned char>(name[0])) &&
                    std::all_of(name.begin(), name.end(), [](char c) {
                      return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-' ||
                             c == '_' || c == '.';
                    });
  return good ? name : "";
}

// What the broker, which may know a label by another meaning, is sure to take for this node.
std::string NameOf(const TreeDevice& device) {
  const std::string name(device.node->name);
  return std::find(device.names.begin(), device.names.end(), name) != device.names.end()
             ? name
             : device.node->Path();
}

template <typename Id>
bool Within(const std::vector<Id>& ids, const std::set<Id>& allowed) {
  return std::all_of(ids.begin(), ids.end(), [&](Id id) { return allowed.count(id) == 1; });
}

// How many use an id: nodes of the tree and VMs, apart.
struct Users {
  int nodes = 0;
  int vms = 0;
};
template <typename Id>
using UsersOf = std::map<Id, Users>;

class Importer {
 public:
  Importer(const HostTree& host, const std::vector<ProxyNode>& proxies, Devices how)
      : how_(how),
        on_tegra234_(host.tree.root().IsCompatible("nvidia,tegra234")),
        proxies_(proxies) {
    std::vector<std::string> unreadable;
    devices_ = DevicesOf(host.tree, *host.bpmp, &unreadable);
    for (const TreeDevice& device : devices_) {
      Count(device.clocks, &Users::nodes, &clocks_);
      Count(device.resets, &Users::nodes, &resets_);
      Count(device.power_domains, &Users::nodes, &domains_);
    }
  }

  v1::Config Run() {
    std::vector<ProxyNode> whole;
    for (const ProxyNode& proxy : proxies_) {
      whole.push_back(WithDevices(proxy));
      Count(whole.back().clocks, &Users::vms, &clocks_);
      Count(whole.back().resets, &Users::vms, &resets_);
      Count(whole.back().power_domains, &Users::vms, &domains_);
    }
    for (const TreeDevice& device : devices_) {
      owners_[&device] = how_ == Devices::kByIds ? nullptr : OwnerOf(device, whole);
    }
    v1::Config config;
    config.mutable_backend()->set_kind(v1::BackendConfig::KERNEL);
    for (const ProxyNode& proxy : whole) {
      AddVm(proxy, &config);
    }
    for (const auto& [reset, users] : resets_) {
      if (users.vms > 1) {
        config.add_shared_resets(absl::StrCat(reset.value()));
      }
    }
    return config;
  }

 private:
  template <typename Ids, typename Id>
  static void Count(const Ids& ids, int Users::*who, UsersOf<Id>* users) {
    for (const Id id : ids) {
      ++((*users)[id].*who);
    }
  }

  const TreeDevice* Find(const devicetree::Node* node) const {
    const auto it = std::find_if(devices_.begin(), devices_.end(),
                                 [node](const TreeDevice& one) { return one.node == node; });
    return it == devices_.end() ? nullptr : &*it;
  }

  // With the ids of the devices that it names.
  ProxyNode WithDevices(ProxyNode proxy) const {
    for (const devicetree::Node* node : proxy.devices) {
      if (const TreeDevice* device = Find(node)) {
        proxy.clocks.insert(device->clocks.begin(), device->clocks.end());
        proxy.resets.insert(device->resets.begin(), device->resets.end());
        proxy.power_domains.insert(device->power_domains.begin(), device->power_domains.end());
      }
    }
    return proxy;
  }

  static bool IsNamed(const TreeDevice& device, const ProxyNode& proxy) {
    return std::find(proxy.devices.begin(), proxy.devices.end(), device.node) !=
           proxy.devices.end();
  }

  // All that it needs is allowed, and something of that is its own.
  bool IsAllowed(const TreeDevice& device, const ProxyNode& proxy) const {
    const bool own = std::any_of(device.clocks.begin(), device.clocks.end(),
                                 [this](ClockId id) { return clocks_.at(id).nodes == 1; }) ||
                     std::any_of(device.resets.begin(), device.resets.end(),
                                 [this](ResetId id) { return resets_.at(id).nodes == 1; });
    return own && Within(device.clocks, proxy.clocks) && Within(device.resets, proxy.resets) &&
           Within(device.power_domains, proxy.power_domains);
  }

  // The one VM that names it, else the one that may have it; null where none or several do. The
  // broker gives a device to one VM, so that several share what it needs by votes.
  const ProxyNode* OwnerOf(const TreeDevice& device, const std::vector<ProxyNode>& proxies) const {
    std::vector<const ProxyNode*> named;
    std::vector<const ProxyNode*> allowed;
    for (const ProxyNode& proxy : proxies) {
      if (IsNamed(device, proxy)) {
        named.push_back(&proxy);
      } else if (IsAllowed(device, proxy)) {
        allowed.push_back(&proxy);
      }
    }
    const std::vector<const ProxyNode*>& candidates = named.empty() ? allowed : named;
    return candidates.size() == 1 ? candidates[0] : nullptr;
  }

  void AddVm(const ProxyNode& proxy, v1::Config* config) {
    ProxyNode rest = proxy;
    v1::VmConfig* vm = config->add_vms();
    vm->set_name(FreeName(rest, *config));
    for (const TreeDevice& device : devices_) {
      if (owners_.at(&device) != &proxy) {
        continue;
      }
      vm->add_devices()->set_device(NameOf(device));
      for (const ClockId id : device.clocks) {
        rest.clocks.erase(id);
      }
      for (const ResetId id : device.resets) {
        rest.resets.erase(id);
      }
      for (const DomainId id : device.power_domains) {
        rest.power_domains.erase(id);
      }
    }
    for (const ClockId id : rest.clocks) {
      const bool root = on_tegra234_ && std::find(std::begin(kRoots), std::end(kRoots),
                                                  id.value()) != std::end(kRoots);
      Grant(id.value(), root || IsShared(clocks_.at(id)), vm->mutable_clocks());
    }
    for (const ResetId id : rest.resets) {
      Grant(id.value(), false, vm->mutable_resets());
    }
    for (const DomainId id : rest.power_domains) {
      Grant(id.value(), IsShared(domains_.at(id)), vm->mutable_power_domains());
    }
  }

  // `config` has the VM already, without a name.
  static std::string FreeName(const ProxyNode& proxy, const v1::Config& config) {
    std::string name = VmName(proxy);
    const auto taken = [&](const v1::VmConfig& vm) { return vm.name() == name; };
    for (int number = config.vms_size();
         name.empty() || std::any_of(config.vms().begin(), config.vms().end(), taken); ++number) {
      name = absl::StrCat("vm", number);
    }
    return name;
  }

  static bool IsShared(const Users& users) { return users.nodes > 0 || users.vms > 1; }

  static void Grant(uint32_t id, bool shared, Grants* grants) {
    v1::ResourceGrantConfig* grant = grants->Add();
    grant->set_name(absl::StrCat(id));
    grant->set_access(shared ? v1::ACCESS_VOTE : v1::ACCESS_EXCLUSIVE);
  }

  const Devices how_;
  const bool on_tegra234_;
  const std::vector<ProxyNode>& proxies_;
  std::vector<TreeDevice> devices_;
  std::map<const TreeDevice*, const ProxyNode*> owners_;
  UsersOf<ClockId> clocks_;
  UsersOf<ResetId> resets_;
  UsersOf<DomainId> domains_;
};

std::string GrantsYaml(const char* key, const Grants& grants) {
  std::string text = grants.empty() ? "" : absl::StrCat("    ", key, ":\n");
  for (const v1::ResourceGrantConfig& grant : grants) {
    absl::StrAppend(&text, "      - {name: \"", grant.name(),
                    "\", access: ", AccessWord(grant.access()), "}\n");
  }
  return text;
}

std::string VmYaml(const v1::VmConfig& vm, const ProxyNode& proxy) {
  std::string text = absl::StrCat("  - name: \"", vm.name(), "\"  # ", proxy.node->Path(), "\n");
  if (!vm.devices().empty()) {
    absl::StrAppend(&text, "    devices:\n");
  }
  for (const v1::DeviceGrantConfig& device : vm.devices()) {
    absl::StrAppend(&text, "      - \"", device.device(), "\"\n");
  }
  return absl::StrCat(text, GrantsYaml("clocks", vm.clocks()), GrantsYaml("resets", vm.resets()),
                      GrantsYaml("power_domains", vm.power_domains()));
}

}  // namespace

v1::Config ImportPolicy(const HostTree& host, const std::vector<ProxyNode>& proxies,
                        Devices devices) {
  return Importer(host, proxies, devices).Run();
}

std::string PolicyYaml(const HostTree& host, const std::vector<ProxyNode>& proxies,
                       const v1::Config& config) {
  std::string text = absl::StrCat(
      "# What the host proxy of ", Printable(host.tree.origin()),
      " allows, by bpmpctl policy import.\n"
      "# Add to each VM who it is (owner, peer), then see what it comes to: bpmp-broker --config "
      "FILE --check\n"
      "# A device has what the broker's profile gives it; where that is more than the node allows, "
      "bpmpctl doctor\n# names it, and --ids writes what this tree lists instead.\n"
      "backend:\n  kernel: {}\nvms:\n");
  for (int i = 0; i < config.vms_size(); ++i) {
    absl::StrAppend(&text, VmYaml(config.vms(i), proxies[static_cast<size_t>(i)]));
  }
  if (!config.shared_resets().empty()) {
    absl::StrAppend(&text, "shared_resets: [\"", absl::StrJoin(config.shared_resets(), "\", \""),
                    "\"]\n");
  }
  return text;
}

}  // namespace bpmp::ctl
