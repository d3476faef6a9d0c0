// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_METRICS_METRICS_SERVER_H_
#define BROKER_METRICS_METRICS_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "broker/metrics/metrics.h"

namespace prometheus {
class Exposer;
}

namespace bpmp::metrics {

// Answers scrapes of /metrics over HTTP until destroyed. Two threads of its own.
class MetricsServer {
 public:
  // `address` is "127.0.0.1:9464" or "9464" (all addresses); IPv4 alone, because the HTTP server
  // has no IPv6. Port 0 lets the system choose. Fails with Unavailable when it can't listen there.
  static absl::StatusOr<std::unique_ptr<MetricsServer>> Start(const std::string& address,
                                                              std::shared_ptr<Metrics> metrics);
  ~MetricsServer();
  MetricsServer(const MetricsServer&) = delete;
  MetricsServer& operator=(const MetricsServer&) = delete;

  int port() const;

 private:
  MetricsServer(std::unique_ptr<prometheus::Exposer> exposer,
                std::shared_ptr<prometheus::Collectable> metrics);

  std::shared_ptr<prometheus::Collectable> metrics_;  // outlives the exposer, which looks weakly
  std::unique_ptr<prometheus::Exposer> exposer_;
};

}  // namespace bpmp::metrics

#endif  // BROKER_METRICS_METRICS_SERVER_H_
