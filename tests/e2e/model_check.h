// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_E2E_MODEL_CHECK_H_
#define TESTS_E2E_MODEL_CHECK_H_

#include <set>
#include <string>
#include <vector>

#include "broker/backend/sim/tegra_model.h"
#include "broker/core/resource.h"
#include "tests/lib/test_broker.h"

namespace bpmp::testing {

// Whether the simulated hardware is what the living VMs hold, and no more:
//
//  - a clock that runs, or a domain that is on, beyond what the board started with is held by a
//    living VM, or a clock runs from it that is; or it was on when the broker started, and is left
//    for its owner;
//  - whoever holds something lives, and it runs;
//  - a clock has the rate and the parent that it started with, unless a living VM may set those of
//    it, of what feeds it, or of another clock that this feeds too (the root doesn't count);
//  - a reset is as it started, or asserted, unless a living VM may use it.
//
// First waits until every VM whose process has ended is released. `start` is the hardware as it
// was before the first VM, `excused` what a test has a reason to leave otherwise. One sentence for
// each thing that isn't so.
std::vector<std::string> ModelComplaints(TestBroker* broker, const backend::sim::TegraModel& start,
                                         const std::set<core::Resource>& excused);

}  // namespace bpmp::testing

#endif  // TESTS_E2E_MODEL_CHECK_H_
