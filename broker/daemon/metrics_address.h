// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_METRICS_ADDRESS_H_
#define BROKER_DAEMON_METRICS_ADDRESS_H_

#include <string_view>

#include "absl/status/statusor.h"

namespace bpmp::daemon {

// Whether only this machine reaches what is served at `address`: "127.0.0.1:9464",
// "localhost:9464". InvalidArgument for what the metrics' HTTP server can't listen on, or would
// take for another address than is written: it has no IPv6, knows no name but that one, and reads
// 999.1.1.1 as 231.1.1.1.
absl::StatusOr<bool> IsLocalMetricsAddress(std::string_view address);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_METRICS_ADDRESS_H_
