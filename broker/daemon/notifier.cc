// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/notifier.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "broker/service/unix_socket.h"

namespace bpmp::daemon {
namespace {

// A line break in a status would begin another assignment.
std::string OneLine(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

// One datagram to the manager's socket. What can't be told isn't: a manager that doesn't listen is
// no reason to stop serving.
void Send(const std::string& state) {
  const char* const name = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const size_t size = name == nullptr ? 0 : std::strlen(name);
  if (size < 2 || size > sizeof(address.sun_path) || (name[0] != '/' && name[0] != '@')) return;
  std::memcpy(address.sun_path, name, size);
  if (name[0] == '@') address.sun_path[0] = '\0';  // in the abstract namespace
  const service::UniqueFd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return;
  sendto(socket.get(), state.data(), state.size(), MSG_NOSIGNAL,
         reinterpret_cast<const sockaddr*>(&address),
         static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + size));
}

// A number from the environment; false: it isn't set, or is none.
template <typename Number>
bool ReadNumber(const char* name, Number* number) {
  const char* const text = std::getenv(name);
  return text != nullptr && absl::SimpleAtoi(text, number);
}

}  // namespace

void Notifier::Ready(const std::string& status) const {
  Send(absl::StrCat("READY=1\nSTATUS=", OneLine(status)));
}

void Notifier::Reloading() const {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const int64_t microseconds = int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1'000;
  Send(absl::StrCat("RELOADING=1\nMONOTONIC_USEC=", microseconds));
}

void Notifier::Reloaded() const { Send("READY=1"); }

void Notifier::Status(const std::string& status) const {
  Send(absl::StrCat("STATUS=", OneLine(status)));
}

void Notifier::Stopping(const std::string& status) const {
  Send(absl::StrCat("STOPPING=1\nSTATUS=", OneLine(status)));
}

void Notifier::Watchdog() const { Send("WATCHDOG=1"); }

absl::Duration Notifier::WatchdogTimeout() {
  uint64_t microseconds = 0;
  if (!ReadNumber("WATCHDOG_USEC", &microseconds) || microseconds == 0) {
    return absl::InfiniteDuration();
  }
  // Set for the process that the manager started, and inherited by what it starts.
  int64_t pid = 0;
  if (std::getenv("WATCHDOG_PID") != nullptr &&
      (!ReadNumber("WATCHDOG_PID", &pid) || pid != getpid())) {
    return absl::InfiniteDuration();
  }
  return absl::Microseconds(microseconds);
}

}  // namespace bpmp::daemon
