// SPDX-License-Identifier: Apache-2.0
#include "broker/core/testing/random_walk.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/core/testing/requests.h"
#include "broker/mrq/codec.h"

namespace bpmp::core::testing {
namespace {

using Fate = FakeBackend::Fate;

constexpr ClockId kMuxParents[] = {kPllADiv, kPllBDiv, kPllB, kClkM};

}  // namespace

RandomWalk::RandomWalk(uint64_t seed, const Weather& weather) : random_(seed), weather_(weather) {
  rig_.observer().Keep(false);
  rig_.backend().KeepLog(false);
}

void RandomWalk::Run(uint64_t steps) {
  while (steps_ < steps && complaint_.empty()) {
    const uint32_t burst = 5 + Below(60);
    for (uint32_t i = 0; i < burst && complaint_.empty(); ++i) Step();
    Rest();
  }
}

void RandomWalk::Step() {
  ++steps_;
  if (Chance(weather_.give_up)) return GiveUp();
  if (Chance(weather_.die)) return Die(VmId(1 + Below(kAgents - 1)));
  if (Chance(weather_.overdue) && rig_.in_flight() > 0) {
    Note("overdue");
    rig_.Overdue(Below(static_cast<uint32_t>(rig_.in_flight())));
    return Hear();
  }
  if (Chance(10)) {
    Note("maintain");
    rig_.Maintain();
    return Hear();
  }
  if (rig_.in_flight() > 0 && Chance(450)) return EndTransfer(false);
  const VmId vm(Chance(30) ? 0 : 1 + Below(kAgents - 1));
  Ask(vm, PickRequest(vm));
}

void RandomWalk::Ask(VmId vm, const mrq::Request& request) {
  Note(absl::StrCat(vm.value(), " asks ", mrq::Describe(request)));
  const ReferenceModel::Op op = model_.Ask(vm, request);
  const Ticket ticket = rig_.Ask(vm, request);
  waiting_.emplace(ticket, op);
  Hear();
}

void RandomWalk::Hear() {
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    const Exchange& exchange = rig_.Of(it->first);
    if (!exchange.answer.has_value()) {
      ++it;
      continue;
    }
    Note(absl::StrCat(exchange.vm.value(), " hears ", exchange.answer->error, " to ",
                      mrq::Describe(exchange.request)));
    heard_.emplace_back(it->first, it->second);
    it = waiting_.erase(it);
  }
  // In the order of asking, as the answers of one step have no order of their own.
  std::sort(heard_.begin(), heard_.end());
  for (const auto& [ticket, op] : heard_) {
    const std::string complaint = model_.Answer(op, *rig_.Of(ticket).answer);
    if (!complaint.empty()) Complain(complaint);
  }
  heard_.clear();
}

void RandomWalk::EndTransfer(bool fair) {
  ++transfers_;
  const size_t index = fair ? 0 : Below(static_cast<uint32_t>(rig_.in_flight()));
  Fate fate = Fate::kPerformed;
  if (!fair) {
    if (Chance(weather_.refused)) {
      fate = Fate::kRefused;
    } else if (Chance(weather_.failed)) {
      fate = Chance(500) ? Fate::kFailed : Fate::kNoRoom;
    } else if (Chance(weather_.lost)) {
      fate = Chance(500) ? Fate::kLostDone : Fate::kLostUndone;
    }
  }
  constexpr const char* kFates[] = {"performed",      "refused",       "failed",
                                    "no room for it", "done but lost", "lost"};
  Note(absl::StrCat("  ", rig_.Flying(index), ": ", kFates[static_cast<size_t>(fate)]));
  rig_.End(fate, mrq::Error::kIo, index);
  Hear();
}

void RandomWalk::GiveUp() {
  if (waiting_.empty()) return;
  auto it = waiting_.begin();
  std::advance(it, Below(static_cast<uint32_t>(waiting_.size())));
  const auto [ticket, op] = *it;
  Note(absl::StrCat(rig_.Of(ticket).vm.value(), " gives up ",
                    mrq::Describe(rig_.Of(ticket).request)));
  waiting_.erase(it);
  model_.GiveUp(op);
  rig_.Expire(ticket);
  if (!rig_.Answered(ticket)) Complain("an expired ticket wasn't answered");
  Hear();
}

void RandomWalk::Die(VmId vm) {
  Note(absl::StrCat(vm.value(), " dies"));
  // What it waits for may still happen, and is answered now.
  std::vector<Ticket> abandoned;
  for (auto it = waiting_.begin(); it != waiting_.end();) {
    if (rig_.Of(it->first).vm == vm) {
      abandoned.push_back(it->first);
      model_.GiveUp(it->second);
      it = waiting_.erase(it);
    } else {
      ++it;
    }
  }
  rig_.Release(vm);
  for (const Ticket ticket : abandoned) {
    if (!rig_.Answered(ticket)) Complain("a release left a caller without an answer");
  }
  model_.Release(vm);
  Hear();
}

ClockId RandomWalk::PickClock(VmId vm) {
  if (vm == kHost) return kHostClocks[Below(std::size(kHostClocks))];
  for (int tries = 0; tries < 8; ++tries) {  // mostly what it may use
    const ClockId clock(Below(kClockCount));
    if (model_.Of(vm, clock) >= ReferenceModel::Right::kVote) return clock;
  }
  return ClockId(Below(kClockCount));
}

mrq::Request RandomWalk::PickClk(VmId vm) {
  const ClockId clock = PickClock(vm);
  if (vm == kHost) return Chance(500) ? Enable(clock) : Disable(clock);
  switch (Below(12)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return Enable(clock);
    case 4:
    case 5:
    case 6:
      return Disable(clock);
    case 7:
    case 8:
      return SetRate(clock, (1 + Below(8)) * 25 * kMHz + Below(2));
    case 9:
      return SetParent(clock, kMuxParents[Below(std::size(kMuxParents))]);
    case 10:
      return Chance(500) ? GetInfo(clock) : IsEnabled(clock);
    default:
      return Chance(500) ? GetRate(clock) : RoundRate(clock, Below(500) * kMHz);
  }
}

mrq::Request RandomWalk::PickRequest(VmId vm) {
  const uint32_t kind = Below(10);
  if (kind < 7 || vm == kHost) return PickClk(vm);
  if (kind == 7) {
    const ResetId reset(Below(kResetCount));
    return Chance(200) ? Pulse(reset) : Chance(500) ? Assert(reset) : Deassert(reset);
  }
  const DomainId domain(Below(kDomainCount));
  return Chance(100) ? PowerState(domain) : Chance(500) ? PowerOn(domain) : PowerOff(domain);
}

void RandomWalk::Note(const std::string& what) { history_.push_back(what); }

void RandomWalk::Complain(const std::string& what) {
  if (!complaint_.empty()) return;
  complaint_ = absl::StrCat("step ", steps_, ": ", what, "\nsince everything was well:\n  ",
                            absl::StrJoin(history_, "\n  "));
}

}  // namespace bpmp::core::testing
