// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_GUEST_NODE_H_
#define BROKER_CTL_GUEST_NODE_H_

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "broker/ctl/host_tree.h"
#include "broker/devicetree/tree.h"

namespace bpmp::ctl {

// Writes a host's node, with what is below it, as a source for a guest's device tree:
//  - What the host's BPMP provides is provided by the guest's, whose label is `bpmp`: clocks,
//    resets, power domains, assigned clocks with parents and rates, each with its name.
//  - References to what a guest doesn't have are left out, and a comment says so: the IOMMU,
//    interconnects, DMA, pins, supplies, GPIOs, and what other providers than the BPMP provide.
//  - References within the node stay.
//  - A node below it that uses the BPMP is a device of its own: it is written if it is given too,
//    in its place, because drivers of such devices look for their parent; else left out, and a
//    comment says so.
//  - `reg` and `ranges` are as on the host, in the two cells each for address and size that the
//  root
//    of a guest's tree has; `interrupts` is as on the host; `status` of a given device, and of what
//    is around one, is left out, which means "okay".
//  - All else is byte by byte what it was.
// Fit for dtc, whatever the tree: names were checked when it was read, and values are escaped.
class GuestNode {
 public:
  using Nodes = absl::flat_hash_set<const devicetree::Node*>;
  // `given`: nodes of the devices that the guest has. Neither is owned.
  GuestNode(const HostTree& host, const Nodes& given) : host_(host), given_(given) {}

  // Whether the node is written within that of another given device. InvalidArgument, with node and
  // property, for references that can't be read.
  absl::StatusOr<bool> IsWithinAnother(const devicetree::Node& node);

  // `depth` counts tabs. InvalidArgument, with node and property, for references that can't be
  // read.
  absl::StatusOr<std::string> Write(const devicetree::Node& node, int depth);

 private:
  absl::Status WriteNode(const devicetree::Node& node, int depth);
  absl::Status WriteChild(const devicetree::Node& child, int depth);
  // A device that the guest doesn't have.
  absl::StatusOr<bool> IsNotGiven(const devicetree::Node& node);
  absl::Status WriteProperty(const devicetree::Node& node, const devicetree::Property& property);
  absl::Status WriteList(const devicetree::Node& node, size_t kind);
  absl::Status WriteAssigned(const devicetree::Node& node);
  void WriteReg(const devicetree::Node& node, const devicetree::Property& reg);
  void WriteRanges(const devicetree::Node& node, const devicetree::Property& ranges);
  // A phandle of one node, e.g. `phy-handle`.
  void WriteLink(const devicetree::Node& node, const devicetree::Property& property);
  void FindTargets(const devicetree::Node& node);
  void FindEnabled();
  void Line(const std::string& text);
  void LeftOut(std::string_view what);
  // Whether `node` is `top` or below it, with nothing between that is left out, nor itself.
  absl::StatusOr<bool> IsWrittenBelow(const devicetree::Node* top, const devicetree::Node* node);
  // With the node that is being written.
  bool IsWritten(const devicetree::Node* node);
  std::string LabelOf(const devicetree::Node& node) const;

  const HostTree& host_;
  const Nodes& given_;
  const devicetree::Node* top_ = nullptr;
  absl::flat_hash_map<const devicetree::Node*, bool> not_given_;  // what is known of it
  Nodes enabled_;  // the given ones in `top_`, and what is around them
  Nodes targets_;  // of links within `top_`
  std::string text_;
  std::string indent_;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_GUEST_NODE_H_
