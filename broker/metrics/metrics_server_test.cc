// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/metrics_server.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/base/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace bpmp::metrics {
namespace {

using ::testing::HasSubstr;

// One HTTP/1.0 GET of the server at `port`, headers included; empty when nobody listens.
std::string Get(int port, const std::string& path) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string answer;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request = absl::StrCat("GET ", path, " HTTP/1.0\r\n\r\n");
    if (write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size())) {
      char buffer[4096];
      for (ssize_t n = read(fd, buffer, sizeof(buffer)); n > 0;
           n = read(fd, buffer, sizeof(buffer))) {
        answer.append(buffer, static_cast<size_t>(n));
      }
    }
  }
  close(fd);
  return answer;
}

TEST(MetricsServerTest, AnswersScrapesUntilDestroyed) {
  auto metrics = std::make_shared<Metrics>(&MonotonicClock(), "1.2.3");
  auto server = MetricsServer::Start("127.0.0.1:0", metrics);
  ASSERT_TRUE(server.ok()) << server.status();
  const int port = (*server)->port();
  ASSERT_NE(port, 0);
  const std::string page = Get(port, "/metrics");
  EXPECT_THAT(page, HasSubstr("200 OK"));
  EXPECT_THAT(page, HasSubstr("bpmp_broker_build_info{version=\"1.2.3\"} 1"));
  server->reset();
  EXPECT_EQ(Get(port, "/metrics"), "");
}

TEST(MetricsServerTest, SaysWhyItCanNotListen) {
  auto metrics = std::make_shared<Metrics>(&MonotonicClock(), "1");
  auto first = MetricsServer::Start("127.0.0.1:0", metrics);
  ASSERT_TRUE(first.ok()) << first.status();
  const std::string taken = absl::StrCat("127.0.0.1:", (*first)->port());
  const auto second = MetricsServer::Start(taken, metrics);
  EXPECT_EQ(second.status().code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(second.status().message()), HasSubstr(taken));
  EXPECT_FALSE(MetricsServer::Start("nowhere", metrics).ok());
}

}  // namespace
}  // namespace bpmp::metrics
