// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_E2E_LINUX_GUEST_H_
#define TESTS_E2E_LINUX_GUEST_H_

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "broker/service/unix_socket.h"
#include "tests/lib/temporary_directory.h"
#include "tests/qemu/qemu_process.h"

namespace bpmp::testing {

// What a guest is made of. The paths are of files that exist.
struct GuestMachine {
  std::string qemu;
  std::string kernel;       // an arm64 Image
  std::string initramfs;    // with tests/e2e/init
  std::string device;       // of -device
  std::string device_tree;  // of -dtb; empty: QEMU's own
  std::string append;       // more of the kernel's command line
  int cpus = 1;
  int memory_mib = 256;
  std::vector<std::string> more;  // of the emulator's arguments
};

// Linux in an emulator, with a shell on its console. What takes for ever is ended by the test's
// timeout.
class LinuxGuest {
 public:
  explicit LinuxGuest(const GuestMachine& machine);
  ~LinuxGuest();
  LinuxGuest(const LinuxGuest&) = delete;
  LinuxGuest& operator=(const LinuxGuest&) = delete;

  // Blocks until its shell listens; false: it ended before, and Console() has why.
  bool Ready() { return WaitFor("GUEST-READY"); }
  // What a line of shell writes, without the last newline. Its status goes to status(). "" when the
  // guest ended first; then the status is -1.
  std::string Run(const std::string& line);
  int status() const { return status_; }
  // Sends a line that has no answer, since the guest ends by it.
  void Send(const std::string& line);
  // Blocks until the console shows a text that nobody has waited for yet; false: it ended before.
  bool WaitFor(const std::string& text);
  // All that the console showed.
  const std::string& Console() const { return console_; }
  // The kernel's log, of this boot.
  std::string KernelLog() { return Run("dmesg"); }

  // Calls `look` when this object is destroyed, while the guest is still there.
  void BeforeEnd(std::function<void()> look) { before_end_ = std::move(look); }

  QemuProcess& qemu() { return qemu_; }

 private:
  const TemporaryDirectory directory_;
  const service::UniqueFd listener_;  // for the emulator to connect to
  QemuProcess qemu_;
  service::UniqueFd fd_;
  std::string console_;
  size_t seen_ = 0;  // of console_, by whoever waited
  int status_ = 0;
  std::function<void()> before_end_;
};

// Writes the device tree that this emulator makes for this machine.
void DumpDeviceTree(const GuestMachine& machine, const std::string& file);
// Makes a device tree from the one that this emulator makes for this machine, with `nodes`, in the
// syntax of dtc's sources, added; there, &{/bpmp} is the BPMP. Returns its path, in `directory`.
std::string MakeDeviceTree(const GuestMachine& machine, const std::string& nodes,
                           const std::string& directory);

}  // namespace bpmp::testing

#endif  // TESTS_E2E_LINUX_GUEST_H_
