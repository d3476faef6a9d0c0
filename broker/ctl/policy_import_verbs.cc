// SPDX-License-Identifier: Apache-2.0
#include <memory>
#include <string>
#include <vector>

#include "broker/base/status_macros.h"
#include "broker/ctl/host_tree.h"
#include "broker/ctl/policy_import.h"
#include "broker/ctl/verbs.h"

namespace bpmp::ctl {
namespace {

absl::StatusOr<ExitCode> Import(Context& context, const std::string& file, Devices devices) {
  BPMP_ASSIGN_OR_RETURN(const HostTree host, ReadHostTree(file));
  BPMP_ASSIGN_OR_RETURN(const std::vector<ProxyNode> proxies, ReadProxyNodes(host));
  const v1::Config config = ImportPolicy(host, proxies, devices);
  return context.Show(config, [&] { return PolicyYaml(host, proxies, config); });
}

}  // namespace

void AddPolicyImportVerb(VerbTree& verbs, CLI::App* policy_group) {
  auto file = std::make_shared<std::string>();
  auto ids = std::make_shared<bool>(false);
  CLI::App* verb = verbs.Add(
      policy_group, "import", "Write the policy that a host proxy's device-tree node stands for",
      [file, ids](Context& context) {
        return Import(context, *file, *ids ? Devices::kByIds : Devices::kByName);
      });
  AddArgument(verb, "FILE", file.get(), "A compiled device tree, e.g. /sys/firmware/fdt");
  verb->add_flag("--ids", *ids, "What the tree lists of each device, rather than its name");
}

}  // namespace bpmp::ctl
