// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/linux_side.h"

#include <chrono>
#include <cstdlib>

#include "absl/strings/match.h"
#include "tests/bench/sides.h"
#include "tests/lib/temporary_directory.h"

namespace bpmp::bench {
namespace {

// While it lives, programs that are started look for libraries in `folder` first.
class LibraryPath {
 public:
  explicit LibraryPath(const std::string& folder) {
    if (folder.empty()) return;
    const char* const path = std::getenv(kName);
    if (path != nullptr) before_ = path;
    setenv(kName, (folder + ":" + before_).c_str(), 1);
    changed_ = true;
  }
  ~LibraryPath() {
    if (changed_) setenv(kName, before_.c_str(), 1);
  }
  LibraryPath(const LibraryPath&) = delete;
  LibraryPath& operator=(const LibraryPath&) = delete;

 private:
  static constexpr char kName[] = "LD_LIBRARY_PATH";
  bool changed_ = false;
  std::string before_;
};

testing::GuestMachine Machine(const LinuxParts& parts, const std::string& kernel,
                              const std::string& broker) {
  testing::GuestMachine machine;
  machine.qemu = parts.qemu;
  machine.kernel = kernel + "/arch/arm64/boot/Image";
  machine.initramfs = parts.initramfs;
  machine.device = "nvidia-bpmp-guest,broker=" + broker;
  return machine;
}

}  // namespace

LinuxSide LinuxSide::Ours(const LinuxParts& parts, const std::string& socket) {
  return LinuxSide(Machine(parts, parts.kernel, "unix:" + socket), "");
}

LinuxSide LinuxSide::Known(const LinuxParts& parts) {
  return LinuxSide(Machine(parts, parts.known_kernel, "stand-in:"), parts.stand_in);
}

double LinuxSide::BootSeconds() const {
  const LibraryPath libraries(libraries_);
  testing::GuestMachine machine = machine_;
  machine.more.emplace_back(
      "-S");  // until it is told to go on: what the emulator does first is no boot
  testing::LinuxGuest guest(machine);
  if (!guest.qemu().Started()) Fail("the emulator doesn't start: " + guest.qemu().Output());
  const auto begin = std::chrono::steady_clock::now();
  const std::string answer = guest.qemu().Qmp(R"({"execute": "cont"})");
  if (!absl::StrContains(answer, "return")) Fail("the guest doesn't go on: " + answer);
  if (!guest.WaitFor("Run /init as init process")) {
    Fail("the guest doesn't come up: " + guest.Console());
  }
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

DeviceTrace LinuxSide::BootTrace() const {
  const LibraryPath libraries(libraries_);
  const testing::TemporaryDirectory directory;
  const std::string trace = directory.path() + "/trace";
  testing::GuestMachine machine = machine_;
  machine.more = TraceTo(trace);
  testing::LinuxGuest guest(machine);
  if (!guest.Ready()) Fail("the guest doesn't come up: " + guest.Console());
  guest.qemu().Kill();
  const DeviceTrace seen = ReadTrace(trace);
  if (seen.requests == 0) Fail("the guest asked for nothing");
  return seen;
}

}  // namespace bpmp::bench
