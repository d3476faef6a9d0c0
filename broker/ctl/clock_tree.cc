// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/clock_tree.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/ctl/table.h"
#include "broker/ctl/units.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {
namespace {

struct Strokes {
  const char* branch;
  const char* last;
  const char* through;
  const char* blank;
};
constexpr Strokes kBoxes = {"├─ ", "└─ ", "│  ", "   "};
constexpr Strokes kAscii = {"|- ", "`- ", "|  ", "   "};

// A clock that waits to be drawn, and what is to the left of it.
struct Pending {
  size_t node;
  std::string stem;    // before its children
  std::string prefix;  // before itself
};

}  // namespace

ClockTree::ClockTree(const Resources& clocks) {
  for (const v1::ResourceState& clock : clocks) {
    nodes_.push_back(Node{&clock, {}, false, false});
  }
  std::sort(nodes_.begin(), nodes_.end(),
            [](const Node& a, const Node& b) { return a.clock->id() < b.clock->id(); });
  for (size_t i = 0; i < nodes_.size(); ++i) {
    position_[nodes_[i].clock->id()] = i;
  }
  std::vector<int64_t> parents(nodes_.size(), -1);
  for (size_t i = 0; i < nodes_.size(); ++i) {
    const auto found =
        nodes_[i].clock->has_parent() ? position_.find(nodes_[i].clock->parent()) : position_.end();
    parents[i] = found == position_.end() ? -1 : static_cast<int64_t>(found->second);
  }
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (ClosesCycle(i, parents)) {
      parents[i] = -1;
    }
    if (parents[i] < 0) {
      roots_.push_back(i);
    } else {
      nodes_[static_cast<size_t>(parents[i])].children.push_back(i);
    }
  }
  Mark(parents);
}

void ClockTree::Mark(const std::vector<int64_t>& parents) {
  const auto mark_upwards = [&](size_t node, bool Node::*flag) {
    for (int64_t up = static_cast<int64_t>(node); up >= 0 && !(nodes_[up].*flag);
         up = parents[up]) {
      nodes_[up].*flag = true;
    }
  };
  for (size_t i = 0; i < nodes_.size(); ++i) {
    if (IsActive(*nodes_[i].clock)) {
      mark_upwards(i, &Node::active);
    }
    if (nodes_[i].clock->gate() == v1::GATE_STATE_ON) {
      mark_upwards(i, &Node::runs);
    }
  }
}

bool ClockTree::Runs(uint32_t id) const {
  const auto found = position_.find(id);
  return found != position_.end() && nodes_[found->second].runs;
}

bool ClockTree::ClosesCycle(size_t node, const std::vector<int64_t>& parents) const {
  int64_t up = parents[node];
  for (size_t steps = 0; up >= 0 && steps < nodes_.size(); ++steps) {
    if (static_cast<size_t>(up) == node) {
      return true;
    }
    up = parents[static_cast<size_t>(up)];
  }
  return false;
}

std::string ClockTree::Render(bool all, const Style& style) const {
  std::vector<size_t> shown;
  std::copy_if(roots_.begin(), roots_.end(), std::back_inserter(shown),
               [&](size_t root) { return all || nodes_[root].active; });
  return shown.empty() ? "no clock is active; --all shows every clock\n"
                       : RenderFrom(shown, all, style);
}

std::string ClockTree::RenderBelow(uint32_t root, bool all, const Style& style) const {
  const auto found = position_.find(root);
  if (found == position_.end()) {
    return "";
  }
  return RenderFrom({found->second}, all, style);
}

std::string ClockTree::RenderFrom(const std::vector<size_t>& roots, bool all,
                                  const Style& style) const {
  const Strokes& strokes = style.utf8 ? kBoxes : kAscii;
  Table table({{"CLOCK"}, {"STATE"}, {"RATE", Align::kRight}, {"HELD BY"}, {"NOTES"}});
  std::vector<Pending> stack;
  const auto push = [&](const std::vector<size_t>& nodes, const std::string& stem, bool root) {
    bool last = true;
    for (auto it = nodes.rbegin(); it != nodes.rend(); ++it) {
      if (root || all || nodes_[*it].active) {
        stack.push_back(root ? Pending{*it, "", ""}
                             : Pending{*it, stem + (last ? strokes.blank : strokes.through),
                                       stem + (last ? strokes.last : strokes.branch)});
        last = false;
      }
    }
  };
  push(roots, "", true);
  while (!stack.empty()) {
    const Pending next = std::move(stack.back());
    stack.pop_back();
    const v1::ResourceState& clock = *nodes_[next.node].clock;
    const bool kept_on = nodes_[next.node].runs && clock.gate() == v1::GATE_STATE_OFF;
    table.Add({next.prefix + TitleOf(clock),
               kept_on ? Cell("(on)", Tone::kDim) : GateCell(clock.gate()),
               clock.rate_hz() > 0 ? FormatRate(clock.rate_hz()) : "",
               absl::StrJoin(clock.holders(), ", "), NotesOf(clock)});
    push(nodes_[next.node].children, next.stem, false);
  }
  return table.Render(style);
}

std::vector<const v1::ResourceState*> ClockTree::Below(uint32_t id) const {
  std::vector<const v1::ResourceState*> below;
  const auto found = position_.find(id);
  std::vector<size_t> level;
  if (found != position_.end()) {
    level = nodes_[found->second].children;
  }
  while (!level.empty()) {
    std::vector<size_t> next;
    for (const size_t node : level) {
      below.push_back(nodes_[node].clock);
      next.insert(next.end(), nodes_[node].children.begin(), nodes_[node].children.end());
    }
    level = std::move(next);
  }
  return below;
}

}  // namespace bpmp::ctl
