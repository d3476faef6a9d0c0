// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_UNCLAIMED_H_
#define BROKER_CORE_UNCLAIMED_H_

#include <string>
#include <vector>

#include "broker/core/core.h"

namespace bpmp::core {

// What was on when the broker started and that nobody has claimed since. A broker that is started
// again doesn't know what its VMs held: those that come back say so themselves, and what is left
// over stays on.
struct Unclaimed {
  std::vector<Resource> resources;  // clocks by id, then power domains by id
  // One line: which, whose, what becomes of them and what to do. Empty when there are none.
  std::string text;
};

// Clocks and power domains that were found on, that some VM's policy names and no VM holds. What no
// policy names is the host's own, since no VM can have left it; and so is what that runs from.
Unclaimed FindUnclaimed(const Core& core);

}  // namespace bpmp::core

#endif  // BROKER_CORE_UNCLAIMED_H_
