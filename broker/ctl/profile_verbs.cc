// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/host_tree.h"
#include "broker/ctl/profile_yaml.h"
#include "broker/ctl/verbs.h"
#include "broker/devicetree/devices.h"

namespace bpmp::ctl {
namespace {

using devicetree::TreeDevice;

// The devices of those names, in the order of the tree; without names, all.
absl::StatusOr<std::vector<const TreeDevice*>> Choose(const HostTree& host,
                                                      const std::vector<TreeDevice>& all,
                                                      const std::vector<std::string>& names) {
  std::vector<const devicetree::Node*> wanted;
  for (const std::string& name : names) {
    BPMP_ASSIGN_OR_RETURN(const devicetree::Node* node, host.tree.Resolve(name));
    // What it says of a node that is none of `all`.
    BPMP_RETURN_IF_ERROR(DeviceOf(host.tree, *host.bpmp, *node).status());
    wanted.push_back(node);
  }
  std::vector<const TreeDevice*> chosen;
  for (const TreeDevice& device : all) {
    if (names.empty() || std::find(wanted.begin(), wanted.end(), device.node) != wanted.end()) {
      chosen.push_back(&device);
    }
  }
  return chosen;
}

absl::StatusOr<ExitCode> FromDtb(Context& context, const std::string& file,
                                 const std::vector<std::string>& names) {
  BPMP_ASSIGN_OR_RETURN(const HostTree host, ReadHostTree(file));
  std::vector<std::string> problems;
  const std::vector<TreeDevice> all = DevicesOf(host.tree, *host.bpmp, &problems);
  BPMP_ASSIGN_OR_RETURN(const std::vector<const TreeDevice*> chosen, Choose(host, all, names));
  for (const std::string& problem : problems) {
    context.Warn(absl::StrCat("left out: ", problem));
  }
  if (chosen.empty()) {
    return absl::NotFoundError(absl::StrCat(file, ": no node uses the BPMP"));
  }
  const v1::DeviceProfile profile = MakeProfile(host.tree, chosen, all);
  return context.Show(profile, [&] { return ProfileYaml(host.tree, profile, chosen); });
}

}  // namespace

void AddProfileVerbs(VerbTree& verbs) {
  struct Words {
    std::string file;
    std::vector<std::string> nodes;
  };
  auto words = std::make_shared<Words>();
  CLI::App* group = verbs.Group("profile", "Device profiles: what each device of a board needs");
  CLI::App* verb = verbs.Add(
      group, "from-dtb", "Write the profile of a device tree's nodes, for the broker's 'profiles'",
      [words](Context& context) { return FromDtb(context, words->file, words->nodes); });
  AddArgument(verb, "FILE", &words->file, "A compiled device tree, e.g. /sys/firmware/fdt");
  verb->add_option("NODE", words->nodes,
                   "Nodes by path, name (serial@3100000), label or alias [all that use the BPMP]")
      ->type_name("");
}

}  // namespace bpmp::ctl
