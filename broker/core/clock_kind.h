// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_CLOCK_KIND_H_
#define BROKER_CORE_CLOCK_KIND_H_

#include <string>

#include "broker/core/inventory.h"

namespace bpmp::core {

// Why a clock serves whoever is below it, now or later, by what it is: "it is a PLL". Empty for
// one that may be somebody's own.
std::string WhyEverybodys(const ClockInfo& info);

}  // namespace bpmp::core

#endif  // BROKER_CORE_CLOCK_KIND_H_
