// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_SIGNALS_H_
#define BROKER_DAEMON_SIGNALS_H_

#include <optional>

#include "absl/time/time.h"
#include "broker/service/unix_socket.h"

namespace bpmp::daemon {

// SIGTERM, SIGINT and SIGHUP as something to wait for instead of something that happens. To be made
// once, before the first thread, which inherits that they are blocked. SIGPIPE is ignored.
class Signals {
 public:
  Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The next signal that came; nullopt when none has for `timeout`.
  std::optional<int> Wait(absl::Duration timeout) const;

 private:
  service::UniqueFd fd_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_SIGNALS_H_
