// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/notifier.h"

#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"

namespace bpmp::daemon {
namespace {

// A line break in a status would begin another assignment.
std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// What can't be told isn't: a manager that doesn't listen is no reason to stop serving.
void Send(const std::string& state) { sd_notify(/*unset_environment=*/0, state.c_str()); }

}  // namespace

void Notifier::Ready(const std::string& status) const {
  Send(absl::StrCat("READY=1\nSTATUS=", OneLine(status)));
}

void Notifier::Status(const std::string& status) const {
  Send(absl::StrCat("STATUS=", OneLine(status)));
}

void Notifier::Stopping(const std::string& status) const {
  Send(absl::StrCat("STOPPING=1\nSTATUS=", OneLine(status)));
}

void Notifier::Watchdog() const { Send("WATCHDOG=1"); }

absl::Duration Notifier::WatchdogTimeout() {
  uint64_t microseconds = 0;
  return sd_watchdog_enabled(/*unset_environment=*/0, &microseconds) > 0
             ? absl::Microseconds(microseconds)
             : absl::InfiniteDuration();
}

}  // namespace bpmp::daemon
