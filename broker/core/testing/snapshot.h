// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_SNAPSHOT_H_
#define BROKER_CORE_TESTING_SNAPSHOT_H_

#include <string>
#include <vector>

#include "broker/core/testing/rig.h"

namespace bpmp::core::testing {

// Everything that can be seen of the hardware and of who holds it, one line a resource: for
// comparing two runs.
std::vector<std::string> Snapshot(Rig* rig);

// Expects what must be true whenever nothing is in flight and nobody waits: held hardware is on,
// hardware that nobody holds is off unless it was found on, nothing is busy. What is in doubt or in
// quarantine is left out.
void ExpectConsistent(Rig* rig);

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_SNAPSHOT_H_
