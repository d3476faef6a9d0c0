// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_E2E_PROCESS_CHECK_H_
#define TESTS_E2E_PROCESS_CHECK_H_

#include <string>
#include <vector>

#include "bpmp/v1/admin.grpc.pb.h"
#include "qemu-client/tests/broker_process.h"
#include "tests/e2e/linux_guest.h"

namespace bpmp::testing {

// As the broker's administrator sees VM "a".
v1::Vm VmOf(const client::BrokerProcess& broker);

// What the broker says of all clocks, resets and power domains.
v1::ListResourcesResponse ResourcesOf(const client::BrokerProcess& broker);

// Kills the emulator of VM "a", waits until the broker has released the VM, and returns one
// sentence for each clock, reset or power domain that isn't as on a board that nobody has used:
// something is on, deasserted, held, in doubt or quarantined, or has another rate or parent than in
// `before`, which is from such a board.
//
// For a broker in a process of its own, whose simulated hardware can't be looked into: it is asked
// itself. What it says of hardware that can be looked into is held against that by
// model_check.h in the other tests.
std::vector<std::string> Leftovers(const client::BrokerProcess& broker, LinuxGuest* guest,
                                   const v1::ListResourcesResponse& before);

}  // namespace bpmp::testing

#endif  // TESTS_E2E_PROCESS_CHECK_H_
