// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_OUTCOME_H_
#define BROKER_CORE_OUTCOME_H_

#include <cstdint>
#include <optional>

#include "broker/base/ids.h"
#include "broker/core/core.h"
#include "broker/mrq/codec.h"

namespace bpmp::core {

// What a read brought, if it did.
inline std::optional<int64_t> RateIn(const Outcome& outcome) {
  if (outcome.kind != Outcome::Kind::kAnswered || !outcome.response.ok()) return std::nullopt;
  const auto rate = mrq::ReadRate(outcome.response);
  return rate.ok() ? std::optional(*rate) : std::nullopt;
}
inline std::optional<ClockId> ParentIn(const Outcome& outcome) {
  if (outcome.kind != Outcome::Kind::kAnswered || !outcome.response.ok()) return std::nullopt;
  const auto parent = mrq::ReadU32(outcome.response);
  return parent.ok() ? std::optional(ClockId(*parent)) : std::nullopt;
}

}  // namespace bpmp::core

#endif  // BROKER_CORE_OUTCOME_H_
