// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/clock_tree.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

namespace bpmp::backend::sim {
namespace {

// A rate is as wanted when it is off by no more than a thousandth.
bool CloseEnough(int64_t rate, int64_t wanted) { return std::abs(rate - wanted) <= wanted / 1000; }

// A PLL moves by half of its boot rate at most.
int64_t MinLoopRate(const ClockSpec& spec) { return spec.rate_hz / 2; }
int64_t MaxLoopRate(const ClockSpec& spec) { return spec.rate_hz + spec.rate_hz / 2; }

}  // namespace

void ClockTree::AddUser(ClockId id) {
  Node& node = At(id);
  if (++node.users == 1 && !node.spec.parents.empty()) {
    AddUser(node.parent);
  }
}

void ClockTree::DropUser(ClockId id) {
  Node& node = At(id);
  if (--node.users == 0 && !node.spec.parents.empty()) {
    DropUser(node.parent);
  }
}

void ClockTree::Vote(ClockId id, bool on) {
  Node& node = At(id);
  if (node.voted == on) {
    return;
  }
  node.voted = on;
  if (on) {
    AddUser(id);
  } else {
    DropUser(id);
  }
}

bool ClockTree::SetParent(ClockId id, ClockId parent) {
  Node& node = At(id);
  const auto& candidates = node.spec.parents;
  if (std::find(candidates.begin(), candidates.end(), parent) == candidates.end()) {
    return false;
  }
  if (running(id)) {  // in this order, so that what both have in common never stops
    AddUser(parent);
    DropUser(node.parent);
  }
  node.parent = parent;
  Refresh(id);
  return true;
}

int64_t ClockTree::RateIf(const Node& node, const Node* loop, int64_t loop_rate) const {
  if (&node == loop) {
    return loop_rate;
  }
  if (MakesOwnRate(node.spec.source)) {
    return node.own_rate;
  }
  const int64_t from =
      loop == nullptr ? rate(node.parent) : RateIf(At(node.parent), loop, loop_rate);
  return from * node.spec.numerator / node.denominator;
}

void ClockTree::Refresh(ClockId id) {
  Node& node = At(id);
  const int64_t rate = RateIf(node, nullptr, 0);
  if (rate == node.rate) {
    return;
  }
  node.rate = rate;
  for (const ClockId child : node.children) {
    if (At(child).parent == id) {
      Refresh(child);
    }
  }
}

// The loop that a SET_RATE of `node` may move: between them are only ratios, and one divider at the
// PLL's own output.
const ClockTree::Node* ClockTree::TunableAbove(const Node& node) const {
  const Node* at = &At(node.parent);
  const auto skip_ratios = [&] {
    while (at->spec.source == RateSource::kRatio) {
      at = &At(at->parent);
    }
  };
  skip_ratios();
  if (at->spec.kind == ClockKind::kDivider && At(at->parent).spec.kind == ClockKind::kPll) {
    at = &At(at->parent);
    skip_ratios();
  }
  return at->spec.source == RateSource::kTunable ? at : nullptr;
}

ClockTree::RatePlan ClockTree::PlanRate(const Node& node, int64_t hz) const {
  RatePlan plan;
  if (node.spec.source == RateSource::kTunable) {
    plan.rate = std::clamp(hz, MinLoopRate(node.spec), MaxLoopRate(node.spec));
    plan.loop = &node;
    plan.loop_rate = plan.rate;
    return plan;
  }
  const int64_t doubled = 2 * rate(node.parent);
  const int64_t steps = doubled / hz + (doubled % hz != 0 ? 1 : 0);
  plan.denominator =
      static_cast<uint32_t>(std::clamp<int64_t>(steps, kMinHalfSteps, kMaxHalfSteps));
  plan.rate = doubled / plan.denominator;
  if (!CloseEnough(plan.rate, hz)) {
    const Node* loop = TunableAbove(node);
    if (loop != nullptr) {
      PlanByMoving(node, *loop, hz, &plan);
    }
  }
  return plan;
}

// Looks for the half-steps that move the loop least. Leaves the plan when none gives the rate.
void ClockTree::PlanByMoving(const Node& node, const Node& loop, int64_t hz, RatePlan* plan) const {
  const Node& parent = At(node.parent);
  const double wanted = static_cast<double>(hz);
  const double near = std::clamp<double>(2 * static_cast<double>(parent.rate) / wanted,
                                         kMinHalfSteps, kMaxHalfSteps - 1);
  for (const uint32_t steps : {static_cast<uint32_t>(std::lround(near)),
                               static_cast<uint32_t>(near), static_cast<uint32_t>(near) + 1}) {
    const double loop_rate =
        wanted * steps / 2 * static_cast<double>(loop.rate) / static_cast<double>(parent.rate);
    if (loop_rate < static_cast<double>(MinLoopRate(loop.spec)) ||
        loop_rate > static_cast<double>(MaxLoopRate(loop.spec))) {
      continue;
    }
    const int64_t moved = std::llround(loop_rate);
    const int64_t rate = 2 * RateIf(parent, &loop, moved) / steps;
    if (CloseEnough(rate, hz)) {
      *plan = {rate, steps, &loop, moved};
      return;
    }
  }
}

int64_t ClockTree::SetRate(ClockId id, int64_t hz) {
  Node& node = At(id);
  const RatePlan plan = PlanRate(node, hz);
  if (node.spec.source == RateSource::kDivider) {
    node.denominator = plan.denominator;
  }
  if (plan.loop != nullptr) {
    const ClockId loop = plan.loop->spec.id;
    At(loop).own_rate = plan.loop_rate;
    Refresh(loop);
  }
  Refresh(id);
  return node.rate;
}

}  // namespace bpmp::backend::sim
