// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_POLICY_IMPORT_H_
#define BROKER_CTL_POLICY_IMPORT_H_

#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bpmp/v1/config.pb.h"
#include "broker/base/ids.h"
#include "broker/ctl/host_tree.h"

namespace bpmp::ctl {

// What a node of a host proxy allows whoever opens its device, as bpmp-host-proxy.yaml says and its
// predecessors had it: one node for all VMs, one for each, or one with a node below it for each
// device.
struct ProxyNode {
  const devicetree::Node* node = nullptr;
  std::set<ClockId> clocks;
  std::set<ResetId> resets;
  std::set<DomainId> power_domains;
  std::vector<const devicetree::Node*> devices;
};

// The proxies' nodes of a tree, of which there is at least one. NotFound without one;
// InvalidArgument, with node and property, for lists that can't be read.
absl::StatusOr<std::vector<ProxyNode>> ReadProxyNodes(const HostTree& host);

// How devices are written.
enum class Devices {
  kByName,  // as the broker's profile knows them, which may give them more than the tree lists
  kByIds,   // what the tree lists of them
};

// A policy under which each node's VM may use what the node allows; by ids, no more than that:
//  - the devices that the node names, and those all of whose ids it allows, as `devices`;
//  - what is left over one by one. `exclusive` where it is nobody else's; `vote` on clocks and
//    domains that another node of the tree or another VM's node has, and on Tegra234's inputs and
//    fixed roots, which a proxy's list must have for Linux to enable them;
//  - resets that two VMs have become `shared_resets`.
v1::Config ImportPolicy(const HostTree& host, const std::vector<ProxyNode>& proxies,
                        Devices devices);

// The same as YAML, with what to add to it.
std::string PolicyYaml(const HostTree& host, const std::vector<ProxyNode>& proxies,
                       const v1::Config& config);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_POLICY_IMPORT_H_
