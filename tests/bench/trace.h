// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_BENCH_TRACE_H_
#define TESTS_BENCH_TRACE_H_

#include <string>
#include <vector>

namespace bpmp::bench {

// What the QEMU device was asked to do, by its own trace, whichever of the two it is.
struct DeviceTrace {
  double accesses = 0;  // callbacks for loads and stores of the guest
  double requests = 0;  // that went to the broker
};

// Arguments that make an emulator write its device's trace to `path`.
std::vector<std::string> TraceTo(const std::string& path);
DeviceTrace ReadTrace(const std::string& path);

}  // namespace bpmp::bench

#endif  // TESTS_BENCH_TRACE_H_
