// SPDX-License-Identifier: Apache-2.0
#include "tests/qemu/qemu_process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/lib/spawn.h"

namespace bpmp::testing {
namespace {

[[noreturn]] void Die(const std::string& what) {
  std::fprintf(stderr, "qemu test: %s: %s\n", what.c_str(), std::strerror(errno));
  std::abort();
}

// A connection, or nothing when the process ends first.
service::UniqueFd AcceptUnlessEnded(int listener, int pidfd) {
  pollfd fds[2] = {{listener, POLLIN, 0}, {pidfd, POLLIN, 0}};
  while (poll(fds, 2, -1) < 0 && errno == EINTR) {
  }
  if ((fds[0].revents & POLLIN) == 0) return service::UniqueFd();
  return service::UniqueFd(accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
}

std::string Size(int size) {
  switch (size) {
    case 1:
      return "b";
    case 2:
      return "w";
    case 4:
      return "l";
    default:
      return "q";
  }
}

}  // namespace

service::UniqueFd ListenAt(const std::string& path) {
  service::UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  if (bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0 ||
      listen(fd.get(), 1) != 0) {
    Die("can't listen on " + path);
  }
  return fd;
}

std::string QemuPath(const std::string& name) {
  const char* const path = std::getenv(("BPMP_QEMU_" + name).c_str());
  return path == nullptr ? "" : path;
}

bool QemuProcess::Lines::Send(const std::string& text) {
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t n = send(fd.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (n <= 0) return false;
    sent += static_cast<size_t>(n);
  }
  return true;
}

bool QemuProcess::Lines::Receive(std::string* line) {
  for (;;) {
    const size_t end = buffer.find('\n');
    if (end != std::string::npos) {
      *line = buffer.substr(0, end);
      buffer.erase(0, end + 1);
      return true;
    }
    char bytes[65536];
    const ssize_t n = recv(fd.get(), bytes, sizeof(bytes), 0);
    if (n <= 0) return false;
    buffer.append(bytes, static_cast<size_t>(n));
  }
}

QemuProcess::QemuProcess(const std::string& path, const std::string& accelerator,
                         const std::vector<std::string>& arguments) {
  const service::UniqueFd qtest = ListenAt(directory_.path() + "/qtest");
  const service::UniqueFd qmp = ListenAt(directory_.path() + "/qmp");
  std::vector<std::string> all = {path,
                                  "-machine",
                                  "virt",
                                  "-accel",
                                  accelerator,
                                  "-m",
                                  "64",
                                  "-display",
                                  "none",
                                  "-nodefaults",
                                  "-no-user-config",
                                  "-qtest",
                                  "unix:" + directory_.path() + "/qtest",
                                  "-qmp",
                                  "unix:" + directory_.path() + "/qmp"};
  if (accelerator == "qtest") all.insert(all.end(), {"-qtest-log", "/dev/null"});
  all.insert(all.end(), arguments.begin(), arguments.end());
  const std::string log = directory_.path() + "/output";
  const service::UniqueFd output(open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  pid_ = Spawn(std::move(all), output.get());
  if (pid_ < 0) Die("can't start " + path);
  const service::UniqueFd pidfd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
  qmp_.fd = AcceptUnlessEnded(qmp.get(), pidfd.get());
  if (qmp_.fd.valid()) qtest_.fd = AcceptUnlessEnded(qtest.get(), pidfd.get());
  std::string greeting;
  started_ = qtest_.fd.valid() && qmp_.Receive(&greeting) &&
             absl::StrContains(Qmp(R"({"execute": "qmp_capabilities"})"), "return");
}

QemuProcess::~QemuProcess() { Kill(); }

bool QemuProcess::Started() { return started_; }

void QemuProcess::Write(uint64_t address, uint64_t value, int size) {
  Batch({absl::StrFormat("write%s 0x%x 0x%x", Size(size), address, value)});
}

uint64_t QemuProcess::Read(uint64_t address, int size) {
  return Batch({absl::StrFormat("read%s 0x%x", Size(size), address)}).front();
}

std::vector<uint64_t> QemuProcess::Batch(const std::vector<std::string>& commands) {
  std::string text;
  for (const std::string& command : commands) absl::StrAppend(&text, command, "\n");
  if (!qtest_.Send(text)) Die("the emulator is gone: " + Output());
  std::vector<uint64_t> values;
  values.reserve(commands.size());
  while (values.size() < commands.size()) {
    std::string line;
    if (!qtest_.Receive(&line)) Die("the emulator is gone: " + Output());
    if (absl::StartsWith(line, "IRQ")) continue;
    if (!absl::StartsWith(line, "OK")) Die("qtest: " + line);
    uint64_t value = 0;
    if (line.size() > 3 && !absl::SimpleHexAtoi(line.substr(3), &value)) Die("qtest: " + line);
    values.push_back(value);
  }
  return values;
}

bool QemuProcess::NextReply(std::string* line) {
  while (qmp_.Receive(line)) {
    if (!absl::StrContains(*line, "\"event\"")) return true;
    events_.push_back(*line);
  }
  return false;
}

std::string QemuProcess::Qmp(const std::string& command) {
  std::string line;
  if (!qmp_.Send(command + "\n") || !NextReply(&line)) return "";
  return line;
}

void QemuProcess::WaitForEvent(const std::string& name) {
  const std::string wanted = absl::StrCat("\"event\": \"", name, "\"");
  for (;;) {
    for (auto it = events_.begin(); it != events_.end(); ++it) {
      if (!absl::StrContains(*it, wanted)) continue;
      events_.erase(it);
      return;
    }
    std::string line;
    if (!qmp_.Receive(&line)) Die("the emulator is gone before " + name + ": " + Output());
    events_.push_back(std::move(line));
  }
}

void QemuProcess::Kill() {
  if (pid_ < 0) return;
  kill(pid_, SIGKILL);
  WaitForEnd();
}

int QemuProcess::WaitForEnd() {
  if (pid_ >= 0) status_ = testing::WaitForEnd(std::exchange(pid_, -1));
  return status_;
}

std::string QemuProcess::Output() {
  std::ifstream file(directory_.path() + "/output");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

}  // namespace bpmp::testing
