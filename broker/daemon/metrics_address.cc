// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/metrics_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "broker/base/string_view.h"

namespace bpmp::daemon {
namespace {

bool IsPort(std::string_view text) {
  uint32_t port = 0;
  return !text.empty() && text.size() <= 5 &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return absl::ascii_isdigit(static_cast<unsigned char>(c)); }) &&
         absl::SimpleAtoi(ToAbsl(text), &port) && port <= 65'535;
}

}  // namespace

absl::StatusOr<bool> IsLocalMetricsAddress(std::string_view address) {
  const size_t colon = address.rfind(':');
  const std::string host(address.substr(0, colon));
  if (colon != std::string_view::npos && IsPort(address.substr(colon + 1))) {
    in_addr ipv4{};
    if (host == "localhost") return true;
    if (inet_pton(AF_INET, host.c_str(), &ipv4) == 1) {
      return ntohl(ipv4.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
    }
    in6_addr ipv6{};
    const bool bracketed = host.size() > 2 && host.front() == '[' && host.back() == ']';
    const std::string inner = bracketed ? host.substr(1, host.size() - 2) : host;
    if (inet_pton(AF_INET6, inner.c_str(), &ipv6) == 1) {
      return absl::InvalidArgumentError(absl::StrFormat(
          "'%s' is IPv6, which the metrics' HTTP server doesn't have; write an IPv4 address, as "
          "127.0.0.1:9464",
          ToAbsl(address)));
    }
  }
  return absl::InvalidArgumentError(
      absl::StrFormat("'%s' is neither 'off' nor an IPv4 address, or 'localhost', with a port, as "
                      "127.0.0.1:9464",
                      ToAbsl(address)));
}

}  // namespace bpmp::daemon
