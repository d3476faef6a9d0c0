// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_BENCH_LINUX_SIDE_H_
#define TESTS_BENCH_LINUX_SIDE_H_

#include <string>

#include "tests/bench/trace.h"
#include "tests/e2e/linux_guest.h"

namespace bpmp::bench {

// What Linux guests are made of; run.sh builds it.
struct LinuxParts {
  std::string qemu;
  std::string kernel;        // a folder of kernel/build.sh
  std::string known_kernel;  // the same kernel with known/known-guest-proxy.c
  std::string initramfs;     // of both, with what guest/build.sh makes in /opt
  std::string stand_in;      // the folder of known/stand_in.cc's library
  std::string stock_kernel;  // the same kernel without any change
  std::string stock_initramfs;
};

// One of the paths that are compared: a kernel, and what is behind its device.
class LinuxSide {
 public:
  // Our kernel, and the broker that listens at `socket`.
  static LinuxSide Ours(const LinuxParts& parts, const std::string& socket);
  // The stock kernel on the mailbox, and that broker; or a BPMP inside the emulator that answers at
  // once.
  static LinuxSide Stock(const LinuxParts& parts, const std::string& socket);
  static LinuxSide StockAlone(const LinuxParts& parts);
  // The known proxy's accesses, and a BPMP inside the emulator that answers at once.
  static LinuxSide Known(const LinuxParts& parts);

  // From the first instruction to the program /init, in seconds.
  double BootSeconds() const;
  // What the guest asks until its shell listens, which takes longer for being written down.
  DeviceTrace BootTrace() const;
  // The same of a line of shell that the guest runs once it is up.
  DeviceTrace TraceOf(const std::string& before, const std::string& line) const;

  const testing::GuestMachine& machine() const { return machine_; }

 private:
  LinuxSide(testing::GuestMachine machine, std::string libraries)
      : machine_(std::move(machine)), libraries_(std::move(libraries)) {}

  const testing::GuestMachine machine_;
  const std::string libraries_;  // where the emulator finds its libraries first; "" for the usual
};

}  // namespace bpmp::bench

#endif  // TESTS_BENCH_LINUX_SIDE_H_
