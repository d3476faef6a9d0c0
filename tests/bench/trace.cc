// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/trace.h"

#include <fstream>

#include "absl/strings/match.h"

namespace bpmp::bench {

std::vector<std::string> TraceTo(const std::string& path) {
  return {"-d", "trace:nvidia_bpmp_guest_*", "-D", path};
}

DeviceTrace ReadTrace(const std::string& path) {
  DeviceTrace trace;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (absl::StrContains(line, "nvidia_bpmp_guest_read") ||
        absl::StrContains(line, "nvidia_bpmp_guest_write")) {
      ++trace.accesses;
    } else if (absl::StrContains(line, "nvidia_bpmp_guest_ring")) {
      ++trace.requests;
    }
  }
  return trace;
}

}  // namespace bpmp::bench
