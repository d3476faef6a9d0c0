// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_BENCH_LINUX_BOOT_H_
#define TESTS_BENCH_LINUX_BOOT_H_

#include <vector>

#include "bpmp/v1/guest.pb.h"

namespace bpmp::bench {

// What a Linux guest with the upstream drivers sends from probe to late init, in order: every clock
// of the board is looked at, its rate read at registration, and its state when unused ones are
// turned off.
std::vector<v1::MrqRequest> LinuxBoot();

}  // namespace bpmp::bench

#endif  // TESTS_BENCH_LINUX_BOOT_H_
