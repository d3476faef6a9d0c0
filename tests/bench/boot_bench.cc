// SPDX-License-Identifier: Apache-2.0
// Measures what a boot of Linux costs in accesses to the device's window, by the device's own
// trace. Prints one figure a line (figures.h).
//
//   boot_bench BROKER ECHO-SERVER QEMU KERNEL-BUILD
//
// KERNEL-BUILD is what kernel/build.sh printed, with the archive of tests/e2e/initramfs.sh.
#include <cstdio>
#include <string>

#include "tests/bench/figures.h"
#include "tests/bench/sides.h"
#include "tests/bench/trace.h"
#include "tests/e2e/linux_guest.h"

namespace bpmp::bench {
namespace {

void Accesses(const Bench& bench, const std::string& qemu, const std::string& build) {
  const testing::TemporaryDirectory directory;
  const std::string trace = directory.path() + "/trace";
  testing::GuestMachine machine;
  machine.qemu = qemu;
  machine.kernel = build + "/arch/arm64/boot/Image";
  machine.initramfs = build + "/bpmp-initramfs.gz";
  machine.device = "nvidia-bpmp-guest,broker=unix:" + bench.broker().socket(0);
  machine.more = TraceTo(trace);
  testing::LinuxGuest guest(machine);
  if (!guest.Ready()) Fail("the guest doesn't come up: " + guest.Console());
  guest.qemu().Kill();

  const DeviceTrace seen = ReadTrace(trace);
  if (seen.requests == 0) Fail("the guest asked for nothing");
  std::fprintf(stderr, "a boot: %.0f requests\n", seen.requests);
  Print({"guest accesses per request over a Linux boot", seen.accesses / seen.requests, "accesses",
         true, 22});
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: boot_bench BROKER ECHO-SERVER QEMU KERNEL-BUILD\n");
    return 2;
  }
  return bpmp::bench::Run("boot_bench", [argv] {
    const bpmp::bench::Bench bench(argv[1], argv[2], 1);
    bpmp::bench::Accesses(bench, argv[3], argv[4]);
  });
}
