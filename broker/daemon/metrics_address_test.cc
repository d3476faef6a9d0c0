// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/metrics_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "broker/base/clock.h"
#include "broker/metrics/metrics_server.h"

namespace bpmp::daemon {
namespace {

using ::testing::HasSubstr;

TEST(MetricsAddressTest, KnowsWhoReachesIt) {
  for (const char* local : {"127.0.0.1:9464", "127.255.0.9:1", "localhost:65535"}) {
    EXPECT_EQ(IsLocalMetricsAddress(local).value_or(false), true) << local;
  }
  for (const char* open : {"0.0.0.0:9464", "192.0.2.1:9464", "128.0.0.1:9464", "12.7.0.0:80"}) {
    EXPECT_EQ(IsLocalMetricsAddress(open).value_or(true), false) << open;
  }
}

TEST(MetricsAddressTest, RefusesWhatTheServerWouldMisread) {
  for (const char* bad :
       {"", "9464", ":9464", "127.0.0.1", "127.0.0.1:", "127.1:9464", "999.1.1.1:9464",
        "256.0.0.1:9464", "127.evil.example:9464", "0127.0.0.1:9464", "127.0.0.1:99999",
        "127.0.0.1:94 ", "127.0.0.1:+94", "127.0.0.1:80,9464", "127.0.0.1:94s", "*:9464",
        "somewhere:9464", "[localhost]:9464"}) {
    const absl::Status status = IsLocalMetricsAddress(bad).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << bad;
    EXPECT_THAT(std::string(status.message()), HasSubstr("as 127.0.0.1:9464"));
  }
}

// The check and the server must agree.
TEST(MetricsAddressTest, RefusesIpv6BecauseTheServerHasNone) {
  const auto metrics = std::make_shared<metrics::Metrics>(&MonotonicClock(), "1");
  for (const char* ipv6 : {"[::1]:0", "[::]:0", "::1:0"}) {
    EXPECT_THAT(std::string(IsLocalMetricsAddress(ipv6).status().message()),
                HasSubstr("is IPv6, which the metrics' HTTP server doesn't have"));
    EXPECT_FALSE(metrics::MetricsServer::Start(ipv6, metrics).ok()) << ipv6;
  }
  for (const char* ipv4 : {"127.0.0.1:0", "localhost:0", "0.0.0.0:0"}) {
    EXPECT_TRUE(IsLocalMetricsAddress(ipv4).ok());
    EXPECT_TRUE(metrics::MetricsServer::Start(ipv4, metrics).ok()) << ipv4;
  }
}

}  // namespace
}  // namespace bpmp::daemon
