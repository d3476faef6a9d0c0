// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/fault.h"

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <variant>

#include "broker/base/ids.h"

namespace bpmp::backend::sim {
namespace {

// The id that a request is about, where it is about one.
struct IdOf {
  std::optional<uint32_t> operator()(const mrq::ClkRequest& r) const {
    return r.cmd == mrq::ClkCmd::kGetMaxClkId ? std::nullopt : std::optional(r.clock.value());
  }
  std::optional<uint32_t> operator()(const mrq::ResetRequest& r) const {
    return r.cmd == mrq::ResetCmd::kGetMaxId ? std::nullopt : std::optional(r.reset.value());
  }
  std::optional<uint32_t> operator()(const mrq::PgRequest& r) const {
    return r.cmd == mrq::PgCmd::kGetMaxId ? std::nullopt : std::optional(r.domain.value());
  }
  std::optional<uint32_t> operator()(const mrq::ThermalRequest& r) const {
    const bool zone = r.cmd == mrq::ThermalCmd::kGetTemp || r.cmd == mrq::ThermalCmd::kGetThermtrip;
    return zone ? std::optional(r.arg) : std::nullopt;
  }
  template <typename Other>
  std::optional<uint32_t> operator()(const Other& /*r*/) const {
    return std::nullopt;
  }
};

bool IsTurn(const FaultTable::Entry& entry) {
  const Fault& fault = entry.fault;
  const bool left = fault.count == 0 || entry.fired < fault.count;
  return left && entry.seen >= fault.nth && (entry.seen - fault.nth) % fault.every == 0;
}

}  // namespace

bool Fault::Matches(const mrq::Request& request) const {
  return (!mrq.has_value() || *mrq == mrq::MrqCode(request)) &&
         (command.empty() || command == mrq::CommandName(request)) &&
         (!id.has_value() || *id == std::visit(IdOf{}, request));
}

uint64_t FaultTable::Add(Fault fault) {
  Entry entry;
  entry.id = next_id_++;
  entry.fault = std::move(fault);
  entries_.push_back(std::move(entry));
  return entries_.back().id;
}

bool FaultTable::Remove(uint64_t id) {
  const auto found = std::find_if(entries_.begin(), entries_.end(),
                                  [id](const Entry& entry) { return entry.id == id; });
  if (found == entries_.end()) {
    return false;
  }
  entries_.erase(found);
  return true;
}

std::optional<Fault> FaultTable::Fire(const mrq::Request& request) {
  Entry* fires = nullptr;
  for (Entry& entry : entries_) {
    if (!entry.fault.Matches(request)) {
      continue;
    }
    ++entry.seen;
    if (fires == nullptr && IsTurn(entry)) {
      fires = &entry;
      ++entry.fired;
    }
  }
  return fires == nullptr ? std::nullopt : std::optional<Fault>(fires->fault);
}

}  // namespace bpmp::backend::sim
