// SPDX-License-Identifier: Apache-2.0
// Reads the nodes of host proxies.
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/policy_import.h"
#include "broker/devicetree/cells.h"
#include "broker/devicetree/specifier.h"

namespace bpmp::ctl {
namespace {

using devicetree::kCellSize;
using devicetree::LoadCell;
using devicetree::Node;

constexpr char kCompatible[] = "nvidia,bpmp-host-proxy";

absl::StatusOr<std::vector<uint32_t>> Cells(const HostTree& host, const Node& node,
                                            const char* property) {
  std::vector<uint32_t> cells;
  const devicetree::Property* list = node.Find(property);
  std::string_view rest = list == nullptr ? std::string_view() : list->value;
  if (rest.size() % kCellSize != 0) {
    return PropertyError(host.tree, node, property, "isn't made of whole cells");
  }
  for (; !rest.empty(); rest.remove_prefix(kCellSize)) {
    cells.push_back(LoadCell(rest));
  }
  return cells;
}

template <typename Id>
absl::Status AddIds(const HostTree& host, const Node& node, const char* property,
                    std::set<Id>* ids) {
  BPMP_ASSIGN_OR_RETURN(const std::vector<uint32_t> cells, Cells(host, node, property));
  for (const uint32_t cell : cells) {
    ids->insert(Id(cell));
  }
  return absl::OkStatus();
}

absl::Status Add(const HostTree& host, const Node& node, ProxyNode* proxy) {
  BPMP_RETURN_IF_ERROR(AddIds(host, node, "allowed-clocks", &proxy->clocks));
  BPMP_RETURN_IF_ERROR(AddIds(host, node, "controlled-clocks", &proxy->clocks));
  BPMP_RETURN_IF_ERROR(AddIds(host, node, "allowed-resets", &proxy->resets));
  BPMP_RETURN_IF_ERROR(AddIds(host, node, "allowed-power-domains", &proxy->power_domains));
  BPMP_ASSIGN_OR_RETURN(const std::vector<uint32_t> phandles, Cells(host, node, "allowed-devices"));
  for (const uint32_t phandle : phandles) {
    const Node* device = host.tree.FindPhandle(phandle);
    if (device == nullptr) {
      return PropertyError(host.tree, node, "allowed-devices",
                           absl::StrFormat("phandle %#x is of no node, or of several", phandle));
    }
    proxy->devices.push_back(device);
  }
  for (const Node* child : node.children) {
    BPMP_RETURN_IF_ERROR(Add(host, *child, proxy));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ProxyNode>> ReadProxyNodes(const HostTree& host) {
  std::vector<ProxyNode> proxies;
  for (const Node& node : host.tree.nodes()) {
    if (!node.IsCompatible(kCompatible)) {
      continue;
    }
    ProxyNode proxy;
    proxy.node = &node;
    BPMP_RETURN_IF_ERROR(Add(host, node, &proxy));
    proxies.push_back(std::move(proxy));
  }
  if (proxies.empty()) {
    return absl::NotFoundError(
        absl::StrCat(host.tree.origin(), ": no node is compatible with ", kCompatible));
  }
  return proxies;
}

}  // namespace bpmp::ctl
