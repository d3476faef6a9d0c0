// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/guest_node.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/ctl/dts_value.h"
#include "broker/devicetree/bpmp_use.h"
#include "broker/devicetree/cells.h"
#include "broker/devicetree/specifier.h"

namespace bpmp::ctl {
namespace {

using devicetree::kCellSize;
using devicetree::ListKind;
using devicetree::Node;
using devicetree::Property;
using devicetree::Specifier;

// What WriteList() takes care of, with the names.
constexpr ListKind kLists[] = {devicetree::kClocks, devicetree::kResets, devicetree::kPowerDomains};

// Written with `assigned-clocks`, by position.
constexpr std::string_view kWithAssigned[] = {"assigned-clock-parents", "assigned-clock-rates"};

// Of the flattened tree itself, or written in another way.
constexpr std::string_view kSilent[] = {"name", "phandle", "linux,phandle"};

// One phandle, with nothing behind it.
constexpr std::string_view kLinks[] = {"phy-handle", "remote-endpoint"};

// References to what a guest doesn't have, and names and maps that go with them.
constexpr std::string_view kHostOnly[] = {
    "iommus",
    "iommu-map",
    "iommu-map-mask",
    "iommu-addresses",
    "interconnects",
    "interconnect-names",
    "dmas",
    "dma-names",
    "pinctrl-names",
    "phys",
    "phy-names",
    "memory-region",
    "msi-parent",
    "msi-map",
    "interrupt-parent",
    "interrupts-extended",
    "interrupt-map",
    "interrupt-map-mask",
    "mboxes",
    "mbox-names",
    "shmem",
    "nvmem-cells",
    "nvmem-cell-names",
    "hwlocks",
    "cooling-device",
    "operating-points-v2",
    "thermal-sensors",
    "required-opps",
    "gpio",
    "gpios",
    "gpio-ranges",
    "nvidia,memory-controller",
};
constexpr std::string_view kHostOnlyEnds[] = {"-supply", "-gpio", "-gpios"};
constexpr std::string_view kPins = "pinctrl-";

template <typename List>
bool Has(const List& list, std::string_view name) {
  return std::find(std::begin(list), std::end(list), name) != std::end(list);
}

bool IsHostOnly(std::string_view name) {
  return Has(kHostOnly, name) || absl::StartsWith(ToAbsl(name), ToAbsl(kPins)) ||
         std::any_of(std::begin(kHostOnlyEnds), std::end(kHostOnlyEnds), [&](std::string_view end) {
           return absl::EndsWith(ToAbsl(name), ToAbsl(end));
         });
}

// "<&bpmp 155>"
std::string OfBpmp(std::string_view cells) {
  const std::string numbers = DtsCells(cells);
  return absl::StrCat("<&bpmp", numbers.empty() ? "" : " ", numbers, ">");
}

// One or two cells, as two.
std::string InTwoCells(std::string_view cells) {
  return absl::StrCat(cells.size() == kCellSize ? "0x0 " : "", DtsCells(cells));
}

// dtc's labels have letters, digits and '_'.
std::string Label(std::string_view name) {
  std::string label(name);
  for (char& c : label) {
    if (!absl::ascii_isalnum(static_cast<unsigned char>(c))) {
      c = '_';
    }
  }
  return absl::ascii_isdigit(static_cast<unsigned char>(label[0])) ? "_" + label : label;
}

}  // namespace

absl::StatusOr<std::string> GuestNode::Write(const Node& node, int depth) {
  top_ = &node;
  text_.clear();
  targets_.clear();
  FindEnabled();
  FindTargets(node);
  BPMP_RETURN_IF_ERROR(WriteNode(node, depth));
  return text_;
}

absl::StatusOr<bool> GuestNode::IsNotGiven(const Node& node) {
  if (given_.contains(&node)) {
    return false;
  }
  const auto known = not_given_.find(&node);
  if (known != not_given_.end()) {
    return known->second;
  }
  BPMP_ASSIGN_OR_RETURN(const devicetree::BpmpUse use, UseOf(host_.tree, *host_.bpmp, node));
  return not_given_[&node] = !use.empty();
}

absl::StatusOr<bool> GuestNode::IsWithinAnother(const Node& node) {
  const Node* top = node.parent;
  while (top != nullptr && !given_.contains(top)) {
    top = top->parent;
  }
  if (top == nullptr) {
    return false;
  }
  return IsWrittenBelow(top, node.parent);
}

absl::StatusOr<bool> GuestNode::IsWrittenBelow(const Node* top, const Node* node) {
  for (; node != nullptr && node != top; node = node->parent) {
    BPMP_ASSIGN_OR_RETURN(const bool left_out, IsNotGiven(*node));
    if (left_out) {
      return false;
    }
  }
  return node != nullptr;
}

absl::Status GuestNode::WriteChild(const Node& child, int depth) {
  BPMP_ASSIGN_OR_RETURN(const bool left_out, IsNotGiven(child));
  if (!left_out) {
    return WriteNode(child, depth);
  }
  LeftOut(absl::StrCat(ToAbsl(child.name), ", a device that the VM doesn't have"));
  return absl::OkStatus();
}

absl::Status GuestNode::WriteNode(const Node& node, int depth) {
  indent_.assign(static_cast<size_t>(depth), '\t');
  const bool labelled = &node == top_ || targets_.contains(&node);
  Line(absl::StrCat(labelled ? LabelOf(node) + ": " : "", ToAbsl(node.name), " {"));
  indent_ += '\t';
  for (const Property& property : node.properties) {
    BPMP_RETURN_IF_ERROR(WriteProperty(node, property));
  }
  for (const Node* child : node.children) {
    BPMP_RETURN_IF_ERROR(WriteChild(*child, depth + 1));
    indent_.assign(static_cast<size_t>(depth) + 1, '\t');
  }
  indent_.assign(static_cast<size_t>(depth), '\t');
  Line("};");
  return absl::OkStatus();
}

absl::Status GuestNode::WriteProperty(const Node& node, const Property& property) {
  for (size_t kind = 0; kind < std::size(kLists); ++kind) {
    if (property.name == kLists[kind].property) {
      return WriteList(node, kind);
    }
    if (property.name == kLists[kind].names && node.Find(kLists[kind].property) != nullptr) {
      return absl::OkStatus();
    }
  }
  if (property.name == devicetree::kAssignedClocks.property) {
    return WriteAssigned(node);
  }
  if (Has(kSilent, property.name) || Has(kWithAssigned, property.name) ||
      (property.name == "status" && enabled_.contains(&node))) {
    return absl::OkStatus();
  }
  if (property.name == "nvidia,bpmp" && property.value.size() >= kCellSize) {
    Line(absl::StrCat("nvidia,bpmp = ", OfBpmp(property.value.substr(kCellSize)), ";"));
  } else if (IsHostOnly(property.name)) {
    LeftOut(property.name);
  } else if (Has(kLinks, property.name)) {
    WriteLink(node, property);
  } else if (property.name == "reg" && &node == top_) {
    WriteReg(node, property);
  } else if ((property.name == "ranges" || property.name == "dma-ranges") && &node == top_) {
    WriteRanges(node, property);
  } else {
    const std::string value = DtsValue(property.value);
    Line(absl::StrCat(ToAbsl(property.name), value.empty() ? "" : " = ", value, ";"));
  }
  return absl::OkStatus();
}

absl::Status GuestNode::WriteList(const Node& node, size_t kind) {
  const ListKind& list = kLists[kind];
  BPMP_ASSIGN_OR_RETURN(const std::vector<Specifier> entries,
                        devicetree::ReadList(host_.tree, node, list));
  std::vector<std::string> kept;
  std::vector<std::string> names;
  for (const Specifier& entry : entries) {
    if (entry.provider == host_.bpmp) {
      kept.push_back(OfBpmp(entry.cells));
      names.push_back(DtsString(entry.name));
    } else if (entry.provider != nullptr) {
      LeftOut(absl::StrCat(list.property, " of ", entry.provider->Path()));
    }
  }
  if (kept.empty()) {
    return absl::OkStatus();
  }
  Line(absl::StrCat(list.property, " = ", absl::StrJoin(kept, ", "), ";"));
  if (node.Find(list.names) != nullptr) {
    Line(absl::StrCat(list.names, " = ", absl::StrJoin(names, ", "), ";"));
  }
  return absl::OkStatus();
}

absl::Status GuestNode::WriteAssigned(const Node& node) {
  BPMP_ASSIGN_OR_RETURN(const devicetree::BpmpUse use, UseOf(host_.tree, *host_.bpmp, node));
  std::vector<std::string> clocks;
  std::vector<std::string> parents;
  std::vector<std::string> rates;
  for (const devicetree::AssignedClock& one : use.assigned_clocks) {
    clocks.push_back(absl::StrCat("<&bpmp ", one.clock.value(), ">"));
    parents.push_back(one.parent ? absl::StrCat("<&bpmp ", one.parent->value(), ">") : "<0>");
    rates.push_back(absl::StrCat("<", one.rate_hz.value_or(0), ">"));
  }
  if (clocks.empty()) {
    return absl::OkStatus();
  }
  Line(absl::StrCat("assigned-clocks = ", absl::StrJoin(clocks, ", "), ";"));
  if (node.Find("assigned-clock-parents") != nullptr) {
    Line(absl::StrCat("assigned-clock-parents = ", absl::StrJoin(parents, ", "), ";"));
  }
  if (node.Find("assigned-clock-rates") != nullptr) {
    Line(absl::StrCat("assigned-clock-rates = ", absl::StrJoin(rates, ", "), ";"));
  }
  return absl::OkStatus();
}

void GuestNode::WriteReg(const Node& node, const Property& reg) {
  const size_t address = node.parent->Cell("#address-cells").value_or(2);
  const size_t size = node.parent->Cell("#size-cells").value_or(1);
  const size_t entry = (address + size) * kCellSize;
  if (address == 0 || address > 2 || size == 0 || size > 2 || reg.value.size() % entry != 0) {
    LeftOut("reg");  // a bus without memory addresses
    return;
  }
  std::vector<std::string> regions;
  for (std::string_view rest = reg.value; !rest.empty(); rest.remove_prefix(entry)) {
    regions.push_back(absl::StrCat("<", InTwoCells(rest.substr(0, address * kCellSize)), " ",
                                   InTwoCells(rest.substr(address * kCellSize, size * kCellSize)),
                                   ">"));
  }
  Line(absl::StrCat("reg = ", absl::StrJoin(regions, ", "), ";"));
}

void GuestNode::WriteRanges(const Node& node, const Property& ranges) {
  const size_t parent = node.parent->Cell("#address-cells").value_or(2) * kCellSize;
  const size_t child = node.Cell("#address-cells").value_or(2) * kCellSize;
  const size_t size = node.Cell("#size-cells").value_or(1) * kCellSize;
  const size_t entry = child + parent + size;
  if (parent == 0 || parent > 2 * kCellSize || ranges.value.size() % entry != 0) {
    LeftOut(ranges.name);
    return;
  }
  std::vector<std::string> regions;
  for (std::string_view rest = ranges.value; !rest.empty(); rest.remove_prefix(entry)) {
    regions.push_back(
        absl::StrCat("<", child == 0 ? "" : DtsCells(rest.substr(0, child)) + " ",
                     InTwoCells(rest.substr(child, parent)),
                     size == 0 ? "" : " " + DtsCells(rest.substr(child + parent, size)), ">"));
  }
  const char* const is = regions.empty() ? "" : " = ";
  Line(absl::StrCat(ToAbsl(ranges.name), is, absl::StrJoin(regions, ", "), ";"));
}

void GuestNode::FindEnabled() {
  enabled_.clear();
  for (const Node* const device : given_) {
    std::vector<const Node*> around;
    const Node* node = device;
    for (; node != nullptr && node != top_; node = node->parent) {
      around.push_back(node);
    }
    if (node == top_) {
      enabled_.insert(around.begin(), around.end());
    }
  }
  enabled_.insert(top_);
}

void GuestNode::FindTargets(const Node& node) {
  for (const std::string_view link : kLinks) {
    const std::optional<uint32_t> phandle = node.Cell(link);
    const Node* const to = phandle ? host_.tree.FindPhandle(*phandle) : nullptr;
    if (IsWritten(to)) {
      targets_.insert(to);
    }
  }
  for (const Node* child : node.children) {
    FindTargets(*child);
  }
}

void GuestNode::WriteLink(const Node& node, const Property& property) {
  const std::optional<uint32_t> phandle = node.Cell(property.name);
  const Node* const to = phandle ? host_.tree.FindPhandle(*phandle) : nullptr;
  if (IsWritten(to)) {
    Line(absl::StrCat(ToAbsl(property.name), " = <&", LabelOf(*to), ">;"));
  } else {
    LeftOut(property.name);
  }
}

void GuestNode::Line(const std::string& text) { absl::StrAppend(&text_, indent_, text, "\n"); }

void GuestNode::LeftOut(std::string_view what) {
  Line(absl::StrCat("// left out: ", ToAbsl(what)));
}

bool GuestNode::IsWritten(const Node* node) {
  const absl::StatusOr<bool> written = IsWrittenBelow(top_, node);
  return written.ok() && *written;
}

// Of one node of this tree alone: its path, below the device.
std::string GuestNode::LabelOf(const Node& node) const {
  if (&node == top_) {
    return Label(host_.tree.NamesOf(node).front());
  }
  return absl::StrCat(LabelOf(*node.parent), "_", Label(node.name));
}

}  // namespace bpmp::ctl
