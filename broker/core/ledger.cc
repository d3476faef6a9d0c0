// SPDX-License-Identifier: Apache-2.0
#include "broker/core/ledger.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace bpmp::core {
namespace {

// Sets, replaces or (value 0) removes one VM's value in a short list.
void Put(std::vector<std::pair<VmId, int64_t>>* list, VmId vm, int64_t value) {
  const auto it =
      std::find_if(list->begin(), list->end(), [&](const auto& item) { return item.first == vm; });
  if (it == list->end()) {
    if (value != 0) list->emplace_back(vm, value);
  } else if (value == 0) {
    list->erase(it);
  } else {
    it->second = value;
  }
}

int64_t Get(const std::vector<std::pair<VmId, int64_t>>& list, VmId vm) {
  for (const auto& [owner, value] : list) {
    if (owner == vm) return value;
  }
  return 0;
}

}  // namespace

LineMap::LineMap(const Inventory& inventory)
    : clocks_(inventory.clocks.size()),
      domains_(inventory.domains.size()),
      resets_(inventory.max_reset_id + 1) {}

Line LineMap::Of(Resource resource) const {
  switch (resource.kind) {
    case ResourceKind::kDomain:
      return Of(DomainId(resource.id));
    case ResourceKind::kReset:
      return Of(ResetId(resource.id));
    case ResourceKind::kPcieController:
      return Of(PcieControllerId(resource.id));
    case ResourceKind::kClock:
    case ResourceKind::kNone:
      break;
  }
  return Of(ClockId(resource.id));
}

Resource LineMap::At(Line line) const {
  size_t index = line;
  if (index < clocks_) return Resource::Of(ClockId(static_cast<uint32_t>(index)));
  index -= clocks_;
  if (index < domains_) return Resource::Of(DomainId(static_cast<uint32_t>(index)));
  index -= domains_;
  if (index < resets_) return Resource::Of(ResetId(static_cast<uint32_t>(index)));
  return Resource::Of(PcieControllerId(static_cast<uint32_t>(index - resets_)));
}

bool LineMap::Has(Resource resource) const {
  switch (resource.kind) {
    case ResourceKind::kClock:
      return resource.id < clocks_;
    case ResourceKind::kDomain:
      return resource.id < domains_;
    case ResourceKind::kReset:
      return resource.id < resets_;
    case ResourceKind::kPcieController:
      return resource.id <= kMaxPcieControllerId;
    case ResourceKind::kNone:
      break;
  }
  return false;
}

Ledger::Ledger(const Inventory& inventory, Observer* observer)
    : lines_(inventory), observer_(observer), entries_(lines_.size()) {
  AddAgent(kHost);
}

void Ledger::AddAgent(VmId vm) {
  while (agents_.size() <= vm.value()) {
    Agent agent;
    agent.votes.assign(entries_.size() / 64 + 1, 0);
    agent.implied = agent.votes;
    agents_.push_back(std::move(agent));
  }
}

void Ledger::Set(Bits* bits, Line line, bool value) {
  const uint64_t bit = uint64_t{1} << (line % 64);
  if (value) {
    (*bits)[line / 64] |= bit;
  } else {
    (*bits)[line / 64] &= ~bit;
  }
}

bool Ledger::Holds(VmId vm, Line line) const {
  return vm == kHost ? HostHolds(line) : Votes(vm, line) || Implied(vm, line);
}

bool Ledger::HeldByOtherVm(VmId vm, Line line) const {
  uint32_t others = entries_[line].holders;
  if (Holds(vm, line)) --others;
  if (vm != kHost && HostHolds(line)) --others;
  return others > 0;
}

std::vector<VmId> Ledger::HoldersOf(Line line) const {
  // Most are held by nobody or the host alone, which comes first: no need to ask all VMs.
  const size_t count = entries_[line].holders;
  std::vector<VmId> holders;
  for (uint32_t slot = 0; slot < agents_.size() && holders.size() < count; ++slot) {
    if (Holds(VmId(slot), line)) holders.emplace_back(slot);
  }
  return holders;
}

int64_t Ledger::RateVote(VmId vm, Line line) const { return Get(entries_[line].rate_votes, vm); }
int64_t Ledger::RateMin(VmId vm, Line line) const { return Get(entries_[line].rate_mins, vm); }
int64_t Ledger::RateMax(VmId vm, Line line) const { return Get(entries_[line].rate_maxs, vm); }
int64_t Ledger::ResetMark(VmId vm, Line line) const { return Get(entries_[line].reset_marks, vm); }
int64_t Ledger::PcieMark(VmId vm, Line line) const { return Get(entries_[line].pcie_marks, vm); }

std::vector<Line> Ledger::TouchedBy(VmId vm) const {
  std::vector<Line> touched;
  for (Line line = 0; line < lines_.size(); ++line) {
    const Entry& entry = entries_[line];
    const bool debtor =
        std::find(entry.debtors.begin(), entry.debtors.end(), vm) != entry.debtors.end();
    if (Holds(vm, line) || debtor || Get(entry.rate_votes, vm) != 0 ||
        Get(entry.reset_marks, vm) != 0 || Get(entry.pcie_marks, vm) != 0 ||
        entry.rate_lock == vm) {
      touched.push_back(line);
    }
  }
  return touched;
}

void Ledger::Apply(const Change& change) {
  observer_->OnChange(change);
  switch (change.kind) {
    case Change::Kind::kVote:
    case Change::Kind::kImplied:
    case Change::Kind::kPinned:
    case Change::Kind::kFound:
      ApplyHold(change, lines_.Of(change.resource));
      break;
    case Change::Kind::kEpoch:
      agents_[change.vm.value()].epoch = static_cast<uint32_t>(change.value);
      break;
    default:
      ApplyMark(change, &entries_[lines_.Of(change.resource)]);
  }
}

void Ledger::ApplyHold(const Change& change, Line line) {
  const VmId who = change.kind == Change::Kind::kPinned || change.kind == Change::Kind::kFound
                       ? kHost
                       : change.vm;
  Agent& agent = agents_[who.value()];
  Entry& entry = entries_[line];
  const bool on = change.value != 0;
  const bool held = Holds(who, line);
  if (change.kind == Change::Kind::kVote) {
    if (Votes(who, line) != on) {
      uint32_t& votes =
          change.resource.kind == ResourceKind::kClock ? agent.clock_votes : agent.domain_votes;
      votes = on ? votes + 1 : votes - 1;
    }
    Set(&agent.votes, line, on);
  } else if (change.kind == Change::Kind::kImplied) {
    Set(&agent.implied, line, on);
  } else if (change.kind == Change::Kind::kPinned) {
    entry.pinned = on;
  } else {
    entry.found = on;
  }
  const bool holds = Holds(who, line);
  if (holds && !held) ++entry.holders;
  if (!holds && held) --entry.holders;
}

void Ledger::ApplyMark(const Change& change, Entry* entry) {
  const bool on = change.value != 0;
  switch (change.kind) {
    case Change::Kind::kResidue:
      entry->residue = on;
      break;
    case Change::Kind::kForeign:
      entry->foreign = on;
      break;
    case Change::Kind::kGate:
      entry->gate = static_cast<GateState>(change.value);
      break;
    case Change::Kind::kRateVote:
      Put(&entry->rate_votes, change.vm, change.value);
      break;
    case Change::Kind::kRateMin:
      Put(&entry->rate_mins, change.vm, change.value);
      break;
    case Change::Kind::kRateMax:
      Put(&entry->rate_maxs, change.vm, change.value);
      break;
    case Change::Kind::kRatePin:
      entry->rate_pin = change.value;
      break;
    case Change::Kind::kRateLock:
      entry->rate_lock = on ? std::optional(change.vm) : std::nullopt;
      break;
    case Change::Kind::kBootRate:
      entry->boot_rate = change.value;
      break;
    case Change::Kind::kBootParent:
      entry->boot_parent =
          on ? std::optional(ClockId(static_cast<uint32_t>(change.value - 1))) : std::nullopt;
      break;
    case Change::Kind::kDebtor:
      std::erase(entry->debtors, change.vm);
      if (on) entry->debtors.push_back(change.vm);
      break;
    case Change::Kind::kResetState:
      entry->reset = static_cast<ResetState>(change.value);
      break;
    case Change::Kind::kResetMark:
      Put(&entry->reset_marks, change.vm, change.value);
      break;
    case Change::Kind::kPcieMark:
      Put(&entry->pcie_marks, change.vm, change.value);
      break;
    case Change::Kind::kAssertOwed:
      entry->assert_owed = on;
      break;
    case Change::Kind::kQuarantine:
      entry->quarantined = on ? std::optional(change.vm) : std::nullopt;
      break;
    default:
      break;  // handled by Apply
  }
}

}  // namespace bpmp::core
