// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/trace.h"

#include <fstream>

#include "absl/strings/match.h"

namespace bpmp::bench {
namespace {

constexpr const char* kAccesses[] = {"nvidia_bpmp_guest_read", "nvidia_bpmp_guest_write",
                                     "nvidia_bpmp_mailbox_read", "nvidia_bpmp_mailbox_write"};
constexpr const char* kRequests[] = {"nvidia_bpmp_guest_ring", "nvidia_bpmp_mailbox_request"};

}  // namespace

std::vector<std::string> TraceTo(const std::string& path) {
  return {"-d", "trace:nvidia_bpmp_*", "-D", path};
}

DeviceTrace ReadTrace(const std::string& path) {
  DeviceTrace trace;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    for (const char* const access : kAccesses) trace.accesses += absl::StrContains(line, access);
    for (const char* const request : kRequests) trace.requests += absl::StrContains(line, request);
  }
  return trace;
}

}  // namespace bpmp::bench
