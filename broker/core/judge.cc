// SPDX-License-Identifier: Apache-2.0
#include "broker/core/judge.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <vector>

namespace bpmp::core {
namespace {

constexpr int64_t kAnyRate = std::numeric_limits<int64_t>::max();

Verdict Refuse(mrq::Error error, Reason reason, VmId other = kHost) {
  return {Verdict::Kind::kRefuse, error, reason, other, 0};
}
Verdict Unknown() { return Refuse(mrq::Error::kInval, Reason::kUnknownId); }
Verdict Denied(Reason reason = Reason::kNotPermitted) {
  return Refuse(mrq::Error::kAccess, reason);
}
Verdict Busy(Reason reason, VmId other) { return Refuse(mrq::Error::kBusy, reason, other); }
Verdict Invalid(Reason reason) { return Refuse(mrq::Error::kInval, reason); }
Verdict Settled(Reason reason, int64_t value = 0) {
  return {Verdict::Kind::kSettled, mrq::Error::kOk, reason, kHost, value};
}
Verdict Proceed(Reason reason, int64_t value = 0) {
  return {Verdict::Kind::kProceed, mrq::Error::kOk, reason, kHost, value};
}

}  // namespace

VmId Judge::FirstOther(VmId vm, Line line) const {
  // VMs first: a person who is told who is in the way can do something about a VM.
  VmId found = kHost;
  for (const VmId holder : ledger_.HoldersOf(line)) {
    if (holder != vm) found = holder;
  }
  return found;
}

std::optional<VmId> Judge::UserBeside(VmId vm, ClockId clock) const {
  const Line line = ledger_.lines().Of(clock);
  if (view_.Of(vm, clock) == Access::kExclusive || !ledger_.HeldByOtherVm(vm, line)) {
    return std::nullopt;
  }
  return FirstOther(vm, line);
}

std::optional<VmId> Judge::UserBeside(VmId vm, ResetId reset) const {
  if (view_.Of(vm, reset) == Access::kExclusive) return std::nullopt;
  for (const auto& [other, mark] : ledger_.At(ledger_.lines().Of(reset)).reset_marks) {
    if (other != vm && mark != 0) return other;
  }
  return std::nullopt;
}

bool Judge::Quarantined(VmId vm, Line line) const {
  const auto& quarantined = ledger_.At(line).quarantined;
  return quarantined && *quarantined != vm && vm != kHost;
}

Verdict Judge::Read(VmId vm, ClockId clock) const {
  return view_.Shows(vm, clock) ? Proceed(Reason::kReadable) : Unknown();
}

Verdict Judge::IsEnabled(VmId vm, ClockId clock) const {
  if (!view_.Shows(vm, clock)) return Unknown();
  const Line line = ledger_.lines().Of(clock);
  return Settled(Reason::kOwnVote, ledger_.Votes(vm, line) ? 1 : 0);
}

Verdict Judge::GetState(VmId vm, DomainId domain) const {
  if (inventory_.Find(domain) == nullptr) return Unknown();
  const Line line = ledger_.lines().Of(domain);
  return Settled(Reason::kOwnVote, ledger_.Votes(vm, line) ? 1 : 0);
}

Verdict Judge::Enable(VmId vm, Resource resource) const {
  if (!Exists(resource)) return Unknown();
  const Line line = ledger_.lines().Of(resource);
  if (AccessOf(vm, resource) < Access::kVote) return Denied();
  const bool has = vm == kHost ? ledger_.At(line).pinned : ledger_.Votes(vm, line);
  if (has) return Settled(Reason::kAlreadyVoted);
  if (Quarantined(vm, line)) return Busy(Reason::kQuarantined, *ledger_.At(line).quarantined);
  return ledger_.At(line).SurelyOn() ? Settled(Reason::kOthersHold) : Proceed(Reason::kEdge);
}

Verdict Judge::Disable(VmId vm, Resource resource) const {
  if (!Exists(resource)) return Unknown();
  const Line line = ledger_.lines().Of(resource);
  const Ledger::Entry& entry = ledger_.At(line);
  const bool has = vm == kHost ? entry.pinned || entry.rate_pin != 0 : ledger_.Votes(vm, line);
  const Access access = AccessOf(vm, resource);
  const bool ends_residue = entry.residue && access == Access::kExclusive && vm != kHost;
  if (!has && !ends_residue) {
    // A domain is switched off by Linux at boot whether it is listed or not; that must not fail.
    if (access == Access::kNone && resource.kind == ResourceKind::kClock) return Denied();
    return Settled(Reason::kNoVote);
  }
  if (entry.residue && !ends_residue) return Settled(Reason::kOthersHold);
  const uint32_t others = entry.holders - (ledger_.Holds(vm, line) ? 1 : 0);
  // The VM's implied vote, or the host's found hold, outlives its explicit one.
  const bool keeps = (has && vm != kHost && ledger_.Implied(vm, line)) ||
                     (vm == kHost && entry.found) || (!has && ledger_.Holds(vm, line));
  return others > 0 || keeps ? Settled(Reason::kOthersHold) : Proceed(Reason::kEdge);
}

Judge::Range Judge::Range::With(Range other) const {
  return {std::max(min, other.min), std::min(max, other.max)};
}

Judge::Range Judge::PolicyLimitsOf(VmId vm, ClockId clock) const {
  const VmPolicy* policy = view_.PolicyOf(vm);
  if (policy != nullptr) {
    const auto it = policy->rate_limits.find(clock);
    if (it != policy->rate_limits.end()) return {it->second.min_hz, it->second.max_hz};
  }
  return {0, kAnyRate};
}

Judge::Range Judge::LimitsOf(VmId vm, ClockId clock) const {
  const Line line = ledger_.lines().Of(clock);
  const Range policy = PolicyLimitsOf(vm, clock);
  const int64_t max = ledger_.RateMax(vm, line);
  const Range both = policy.With({ledger_.RateMin(vm, line), max == 0 ? kAnyRate : max});
  return both.empty() ? policy : both;
}

Verdict Judge::SetRateByVotes(VmId vm, ClockId clock, int64_t hz, Range own) const {
  const RatePolicy policy = policy_.RatePolicyOf(clock);
  const Ledger::Entry& entry = ledger_.At(ledger_.lines().Of(clock));
  if (policy == RatePolicy::kFirst) {
    if (entry.rate_lock && *entry.rate_lock != vm) {
      return Busy(Reason::kRateTaken, *entry.rate_lock);
    }
    return Proceed(Reason::kEdge, hz);
  }
  Range range = {hz, kAnyRate};
  VmId highest = vm;
  VmId lowest_limit = vm;
  if (policy == RatePolicy::kRange) range = range.With(own);
  for (const auto& [other, vote] : entry.rate_votes) {
    if (other == vm) continue;
    Range theirs = {vote, kAnyRate};
    if (policy == RatePolicy::kRange) theirs = theirs.With(LimitsOf(other, clock));
    if (theirs.min > range.min) highest = other;
    if (theirs.max < range.max) lowest_limit = other;
    range = range.With(theirs);
  }
  if (range.empty()) {
    return Busy(Reason::kDisjointRange, highest != vm ? highest : lowest_limit);
  }
  return Proceed(Reason::kEdge, range.min);
}

Verdict Judge::SetRate(VmId vm, ClockId clock, int64_t hz, std::optional<int64_t> max_hz) const {
  if (!view_.Shows(vm, clock)) return Unknown();
  if (hz <= 0 || max_hz.value_or(hz) < hz) return Invalid(Reason::kBadArgument);
  const RatePolicy policy = policy_.RatePolicyOf(clock);
  const Line line = ledger_.lines().Of(clock);
  const Ledger::Entry& entry = ledger_.At(line);
  if (!view_.MaySetRate(vm, clock, policy, May(vm, clock))) return Denied();
  Range own = LimitsOf(vm, clock);
  if (max_hz) {
    if (policy != RatePolicy::kRange || vm == kHost) return Invalid(Reason::kNotByRange);
    own = PolicyLimitsOf(vm, clock).With({hz, *max_hz});
    if (own.empty()) return Invalid(Reason::kOutsideLimits);
  }
  if (Quarantined(vm, line)) return Busy(Reason::kQuarantined, *entry.quarantined);

  Verdict verdict = Proceed(Reason::kEdge, hz);
  if (vm == kHost) {
    if (ledger_.HeldByOtherVm(kHost, line)) {
      verdict = Busy(Reason::kOtherHolder, FirstOther(kHost, line));
    }
  } else if (entry.rate_pin != 0) {
    verdict = Busy(Reason::kPinnedRate, kHost);
  } else if (policy == RatePolicy::kFixed) {
    verdict = Denied(Reason::kFixedRate);
  } else if (policy != RatePolicy::kOwner) {
    verdict = SetRateByVotes(vm, clock, hz, own);
  } else if (const auto other = UserBeside(vm, clock)) {
    verdict = Busy(Reason::kOtherHolder, *other);
  }
  // Limits that exclude each other are refused even where the rate, as the firmware rounds it, is
  // the lowest of the new ones.
  if (max_hz && verdict.reason == Reason::kDisjointRange) return verdict;
  const int64_t current = tree_.Rate(clock);
  const int64_t wanted = verdict.kind == Verdict::Kind::kProceed ? verdict.value : hz;
  return wanted == current ? Settled(Reason::kCurrentRate, current) : verdict;
}

Verdict Judge::RoundRate(VmId vm, ClockId clock, int64_t hz) const {
  if (!view_.Shows(vm, clock)) return Unknown();
  const Verdict verdict = SetRate(vm, clock, hz);
  if (verdict.kind == Verdict::Kind::kProceed) return Proceed(Reason::kReadable, verdict.value);
  return Settled(Reason::kRateLocked, tree_.Rate(clock));
}

int64_t Judge::WantedRate(ClockId clock) const {
  const RatePolicy policy = policy_.RatePolicyOf(clock);
  const Ledger::Entry& entry = ledger_.At(ledger_.lines().Of(clock));
  if (entry.rate_pin != 0) return 0;
  if (policy != RatePolicy::kMax && policy != RatePolicy::kRange) return 0;
  int64_t wanted = 0;
  for (const auto& [vm, vote] : entry.rate_votes) {
    const int64_t floor = policy == RatePolicy::kRange ? LimitsOf(vm, clock).min : 0;
    wanted = std::max({wanted, vote, floor});
  }
  return wanted;
}

Verdict Judge::SetParent(VmId vm, ClockId clock, ClockId parent) const {
  if (!view_.Shows(vm, clock) || inventory_.Find(parent) == nullptr) return Unknown();
  const Line line = ledger_.lines().Of(clock);
  const Ledger::Entry& entry = ledger_.At(line);
  if (May(vm, clock) != Access::kExclusive) return Denied();
  if (policy_.RatePolicyOf(clock) == RatePolicy::kFixed && vm != kHost) {
    return Denied(Reason::kFixedRate);
  }
  if (tree_.Parent(clock) == parent && tree_.ParentIsSure(clock)) {
    return Settled(Reason::kCurrentParent, parent.value());
  }
  const std::vector<ClockId>& candidates = inventory_.Find(clock)->parents;
  const bool candidate =
      std::find(candidates.begin(), candidates.end(), parent) != candidates.end();
  if (!candidate || May(vm, parent) < Access::kVote) {
    return Denied(Reason::kParentNotAllowed);
  }
  if (Quarantined(vm, line)) return Busy(Reason::kQuarantined, *entry.quarantined);
  if (entry.rate_pin != 0 && vm != kHost) return Busy(Reason::kPinnedRate, kHost);
  if (entry.rate_lock && *entry.rate_lock != vm) return Busy(Reason::kRateTaken, *entry.rate_lock);
  if (ledger_.HeldByOther(vm, line)) return Busy(Reason::kOtherHolder, FirstOther(vm, line));
  return Proceed(Reason::kEdge, parent.value());
}

bool Judge::UsesDeviceOf(VmId vm, ResetId reset) const {
  const VmPolicy* policy = view_.PolicyOf(vm);
  if (policy == nullptr) return false;
  const auto votes = [&](auto id) { return ledger_.Votes(vm, ledger_.lines().Of(id)); };
  const auto in_use = [&](const DeviceUse& device) {
    return std::find(device.resets.begin(), device.resets.end(), reset) != device.resets.end() &&
           (std::any_of(device.clocks.begin(), device.clocks.end(), votes) ||
            std::any_of(device.domains.begin(), device.domains.end(), votes));
  };
  return std::any_of(policy->devices.begin(), policy->devices.end(), in_use);
}

std::vector<VmId> Judge::Wanting(ResetId reset, VmId vm) const {
  const Line line = ledger_.lines().Of(reset);
  std::vector<VmId> wanting;
  for (const VmId other : view_.Defined()) {
    if (other == vm || view_.Of(other, reset) != Access::kExclusive) continue;
    if ((ledger_.ResetMark(other, line) & kResetWanted) != 0 || UsesDeviceOf(other, reset)) {
      wanting.push_back(other);
    }
  }
  return wanting;
}

Verdict Judge::Reset(VmId vm, mrq::ResetCmd cmd, ResetId reset) const {
  if (!inventory_.Has(reset)) return Unknown();
  const Line line = ledger_.lines().Of(reset);
  if (May(vm, reset) != Access::kExclusive) return Denied();
  if (Quarantined(vm, line)) return Busy(Reason::kQuarantined, *ledger_.At(line).quarantined);
  if (const auto other = UserBeside(vm, reset)) return Busy(Reason::kOtherHolder, *other);
  if (!policy_.shared_resets.contains(reset)) return Proceed(Reason::kReset);
  if (cmd == mrq::ResetCmd::kDeassert) {
    return ledger_.At(line).reset == ResetState::kDeasserted ? Settled(Reason::kWanted)
                                                             : Proceed(Reason::kReset);
  }
  return Wanting(reset, vm).empty() ? Proceed(Reason::kReset) : Settled(Reason::kWanted);
}

}  // namespace bpmp::core
