// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_JUDGED_H_
#define BROKER_CORE_JUDGED_H_

#include <cstdint>
#include <optional>

#include "broker/base/ids.h"
#include "broker/core/inventory.h"
#include "broker/core/judge.h"
#include "broker/core/resource.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// What the rules say to a request, and of which resource; kNone where it is about none.
struct Judged {
  Verdict verdict;
  Resource resource;
};

// Any request, by the calls of the judge that Requests makes for it. `max_rate_hz`: as of Call.
Judged JudgeRequest(const Judge& judge, const Inventory& inventory, VmId vm,
                    const mrq::Request& request, std::optional<int64_t> max_rate_hz);

// It is refused because the VM's policy doesn't allow it, and another policy could.
bool IsByPolicy(const Verdict& verdict);

}  // namespace bpmp::core

#endif  // BROKER_CORE_JUDGED_H_
