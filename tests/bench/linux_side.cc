// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/linux_side.h"

#include <chrono>
#include <cstdlib>
#include <utility>

#include "absl/strings/match.h"
#include "tests/bench/sides.h"
#include "tests/lib/temporary_directory.h"

namespace bpmp::bench {
namespace {

constexpr char kWindow[] = "nvidia-bpmp-guest,broker=";
constexpr char kMailbox[] = "nvidia-bpmp-mailbox,broker=";
constexpr char kStandIn[] = "stand-in:";

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
                              const std::string& initramfs, const std::string& device) {
  testing::GuestMachine machine;
  machine.qemu = parts.qemu;
  machine.kernel = kernel + "/arch/arm64/boot/Image";
  machine.initramfs = initramfs;
  machine.device = device;
  return machine;
}

// A guest that is up, and its device's trace.
class TracedGuest {
 public:
  TracedGuest(testing::GuestMachine machine, const std::string& libraries)
      : libraries_(libraries), guest_(Traced(std::move(machine))) {
    if (!guest_.Ready()) Fail("the guest doesn't come up: " + guest_.Console());
  }

  testing::LinuxGuest* operator->() { return &guest_; }
  // What was asked since then, which is something.
  DeviceTrace Since(const DeviceTrace& then) const {
    DeviceTrace seen = ReadTrace(path_);
    seen.accesses -= then.accesses;
    seen.requests -= then.requests;
    if (seen.requests == 0) Fail("the guest asked for nothing");
    return seen;
  }

 private:
  testing::GuestMachine Traced(testing::GuestMachine machine) const {
    machine.more = TraceTo(path_);
    return machine;
  }

  const LibraryPath libraries_;
  const testing::TemporaryDirectory directory_;
  const std::string path_ = directory_.path() + "/trace";
  testing::LinuxGuest guest_;
};

}  // namespace

LinuxSide LinuxSide::Ours(const LinuxParts& parts, const std::string& socket) {
  return LinuxSide(Machine(parts, parts.kernel, parts.initramfs, kWindow + ("unix:" + socket)), "");
}

LinuxSide LinuxSide::Known(const LinuxParts& parts) {
  return LinuxSide(
      Machine(parts, parts.known_kernel, parts.initramfs, std::string(kWindow) + kStandIn),
      parts.stand_in);
}

LinuxSide LinuxSide::Stock(const LinuxParts& parts, const std::string& socket) {
  return LinuxSide(
      Machine(parts, parts.stock_kernel, parts.stock_initramfs, kMailbox + ("unix:" + socket)), "");
}

LinuxSide LinuxSide::StockAlone(const LinuxParts& parts) {
  return LinuxSide(
      Machine(parts, parts.stock_kernel, parts.stock_initramfs, std::string(kMailbox) + kStandIn),
      parts.stand_in);
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
  TracedGuest guest(machine_, libraries_);
  guest->qemu().Kill();
  return guest.Since({});
}

DeviceTrace LinuxSide::TraceOf(const std::string& before, const std::string& line) const {
  TracedGuest guest(machine_, libraries_);
  guest->Run(before);
  // Each line of the trace is in the file before the guest goes on.
  const DeviceTrace begin = guest.Since({});
  const std::string said = guest->Run(line);
  if (guest->status() != 0) Fail(line + ": " + said);
  return guest.Since(begin);
}

}  // namespace bpmp::bench
