// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_NOTIFIER_H_
#define BROKER_DAEMON_NOTIFIER_H_

#include <string>

#include "absl/time/time.h"

namespace bpmp::daemon {

// Tells the service manager how the daemon is, by the protocol of sd_notify(3) and
// sd_watchdog_enabled(3), spoken here (docs/adr/2026-11-25-without-libsystemd.md). Without a
// manager, that is without NOTIFY_SOCKET in the environment, nothing happens. Thread-safe.
class Notifier {
 public:
  // It serves: units that wait for it start now.
  void Ready(const std::string& status) const;
  // It reads its configuration again, and has: whatever came of it, it serves.
  void Reloading() const;
  void Reloaded() const;
  // One line for `systemctl status`.
  void Status(const std::string& status) const;
  void Stopping(const std::string& status) const;
  // It lives. To be called at least twice in each WatchdogTimeout().
  void Watchdog() const;

  // After how long without Watchdog() the manager kills the daemon; infinite when it doesn't.
  static absl::Duration WatchdogTimeout();
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_NOTIFIER_H_
