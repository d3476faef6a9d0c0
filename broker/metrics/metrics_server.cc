// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/metrics_server.h"

#include <exception>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "prometheus/exposer.h"

namespace bpmp::metrics {

absl::StatusOr<std::unique_ptr<MetricsServer>> MetricsServer::Start(
    const std::string& address, std::shared_ptr<Metrics> metrics) {
  try {
    auto exposer = std::make_unique<prometheus::Exposer>(address);
    exposer->RegisterCollectable(metrics);
    return std::unique_ptr<MetricsServer>(
        new MetricsServer(std::move(exposer), std::move(metrics)));
  } catch (const std::exception& error) {
    return absl::UnavailableError(absl::StrCat("can't serve metrics on ", address, " (",
                                               error.what(),
                                               "); is the address free, and one of this machine?"));
  }
}

MetricsServer::MetricsServer(std::unique_ptr<prometheus::Exposer> exposer,
                             std::shared_ptr<prometheus::Collectable> metrics)
    : metrics_(std::move(metrics)), exposer_(std::move(exposer)) {}

MetricsServer::~MetricsServer() = default;

int MetricsServer::port() const {
  const auto ports = exposer_->GetListeningPorts();
  return ports.empty() ? 0 : ports.front();
}

}  // namespace bpmp::metrics
