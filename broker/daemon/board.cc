// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/board.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/daemon/profile_loader.h"
#include "broker/daemon/tree_profile.h"
#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/devices.h"
#include "broker/devicetree/tree.h"

namespace bpmp::daemon {
namespace {

using devicetree::Tree;
using devicetree::TreeDevice;

struct HostTree {
  Tree tree;
  std::vector<TreeDevice> devices;
};

absl::StatusOr<HostTree> ReadTree(const std::string& path, std::vector<std::string>* problems) {
  BPMP_ASSIGN_OR_RETURN(Tree tree, Tree::Read(path));
  BPMP_ASSIGN_OR_RETURN(const devicetree::Node* const bpmp, FindBpmp(tree));
  std::vector<TreeDevice> devices = DevicesOf(tree, *bpmp, problems);
  return HostTree{std::move(tree), std::move(devices)};
}

// The tree that the configuration means; none where there is none to use.
absl::StatusOr<std::optional<HostTree>> FindTree(const v1::Config& config,
                                                 const std::string& live_tree, Board* board) {
  const bool live = config.device_tree() == "auto";
  // What a simulated board has isn't what the machine beneath has.
  const bool wanted =
      live ? config.backend().kind() == v1::BackendConfig::KERNEL : config.device_tree() != "none";
  if (!wanted) return std::optional<HostTree>();
  auto tree = ReadTree(live ? live_tree : config.device_tree(), &board->warnings);
  if (tree.ok()) return std::optional<HostTree>(*std::move(tree));
  if (!live) return absl::InvalidArgumentError(tree.status().message());
  const std::string what = absl::StrCat(
      "the host's device tree isn't used, devices are the profiles': ", tree.status().message());
  // Hosts that describe themselves by ACPI have none.
  (absl::IsNotFound(tree.status()) ? board->notes : board->warnings).push_back(what);
  return std::optional<HostTree>();
}

// "tegra194" for the tree of another SoC than the built-in profile's; empty where that fits, or
// nobody knows.
std::string OtherSoc(const Tree& tree) {
  constexpr std::string_view kTegra = "nvidia,tegra";
  std::string other;
  for (const std::string_view name : tree.root().Strings("compatible")) {
    if (name == "nvidia,tegra234") return "";
    if (name.substr(0, kTegra.size()) == kTegra && name.size() > kTegra.size() &&
        std::all_of(name.begin() + kTegra.size(), name.end(),
                    [](unsigned char c) { return absl::ascii_isdigit(c); })) {
      other = std::string(name.substr(kTegra.find("tegra")));
    }
  }
  return other;
}

// Says where tree and profile differ: a warning for each device that a VM has, one note for the
// rest.
class DriftReport {
 public:
  DriftReport(const v1::Config& config, const core::Profile& profile, const HostTree& host)
      : config_(config), profile_(profile), origin_(host.tree.origin()) {
    for (const TreeDevice& device : host.devices) {
      if (const auto* const known = Counterpart(profile, device)) nodes_[known] = &device;
    }
  }

  void Write(Board* board) {
    for (const v1::VmConfig& vm : config_.vms()) {
      for (const v1::DeviceGrantConfig& grant : vm.devices()) {
        const core::Device* const device = profile_.FindDevice(grant.device());
        if (device != nullptr && told_.insert(device).second) Tell(*device, vm.name(), board);
      }
    }
    TellRest(board);
  }

 private:
  void Tell(const core::Device& device, const std::string& vm, Board* board) {
    const std::string who = absl::StrCat("device '", device.name(), "' of vm ", vm, ": ");
    const auto it = nodes_.find(&device);
    if (it == nodes_.end()) {
      Warn(absl::StrCat(who, origin_, " has no such node (", absl::StrJoin(device.names, ", "),
                        "); is the profile another board's?"),
           board);
      return;
    }
    const Drift drift = Compare(device, *it->second);
    const std::string node = absl::StrCat(origin_, ": ", it->second->node->Path());
    const std::string surplus =
        drift.surplus.empty()
            ? ""
            : absl::StrCat("the profile gives ", drift.surplus, ", which ", node, " doesn't list");
    if (!drift.missing.empty()) {
      Warn(absl::StrCat(who, node, " lists ", drift.missing,
                        ", which the profile doesn't give: the guest's driver may be refused",
                        surplus.empty() ? "" : "; ", surplus,
                        "; the tree's own profile: bpmpctl profile from-dtb ", origin_, " ",
                        it->second->node->Path()),
           board);
    } else if (!surplus.empty()) {
      board->notes.push_back(who + surplus);
    }
  }

  static void Warn(std::string text, Board* board) {
    board->warnings.push_back(std::move(text));
    ++board->drifted;
  }

  void TellRest(Board* board) const {
    std::vector<std::string> others;
    for (const core::Device& device : profile_.devices()) {
      const auto it = nodes_.find(&device);
      if (it == nodes_.end() || told_.contains(&device)) continue;
      if (!Compare(device, *it->second).missing.empty()) others.push_back(device.name());
    }
    if (others.empty()) return;
    board->notes.push_back(absl::StrCat(
        origin_, " lists more than the profile for devices that no VM has: ",
        absl::StrJoin(others, ", "), "; compare with: bpmpctl profile from-dtb ", origin_));
  }

  const v1::Config& config_;
  const core::Profile& profile_;
  const std::string& origin_;
  absl::flat_hash_map<const core::Device*, const TreeDevice*> nodes_;
  absl::flat_hash_set<const core::Device*> told_;
};

}  // namespace

absl::StatusOr<Board> LoadBoard(const v1::Config& config, const std::string& live_tree) {
  Board board;
  BPMP_ASSIGN_OR_RETURN(const std::optional<HostTree> host, FindTree(config, live_tree, &board));
  BPMP_ASSIGN_OR_RETURN(std::vector<v1::DeviceProfile> profiles,
                        ReadProfiles({config.profiles().begin(), config.profiles().end()}));
  const std::string other_soc = host ? OtherSoc(host->tree) : "";
  if (other_soc.empty()) {
    BPMP_ASSIGN_OR_RETURN(v1::DeviceProfile builtin, BuiltInProfile());
    profiles.push_back(std::move(builtin));
  } else {
    board.notes.push_back(absl::StrCat("the built-in profile of tegra234 isn't used: ",
                                       host->tree.origin(), " is of ", other_soc));
  }
  board.profile = MergeProfiles(profiles);
  if (!host) return board;
  DriftReport(config, board.profile, *host).Write(&board);
  profiles.push_back(TreeProfile(host->tree, board.profile, host->devices, &board.warnings));
  board.profile = MergeProfiles(profiles);
  return board;
}

}  // namespace bpmp::daemon
