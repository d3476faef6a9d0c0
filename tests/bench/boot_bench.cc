// SPDX-License-Identifier: Apache-2.0
// Measures what a boot of Linux costs in accesses to the device's window, by the device's own
// trace. Prints one figure a line (figures.h).
//
//   boot_bench BROKER ECHO-SERVER QEMU KERNEL-BUILD
//
// KERNEL-BUILD is what kernel/build.sh printed, with the archive of tests/e2e/initramfs.sh.
#include <cstdio>
#include <fstream>
#include <string>

#include "absl/strings/match.h"
#include "tests/bench/figures.h"
#include "tests/bench/sides.h"
#include "tests/e2e/linux_guest.h"

namespace bpmp::bench {
namespace {

void Accesses(const Bench& bench, const std::string& qemu, const std::string& build) {
  const TemporaryDirectory directory;
  const std::string trace = directory.path() + "/trace";
  testing::GuestMachine machine;
  machine.qemu = qemu;
  machine.kernel = build + "/arch/arm64/boot/Image";
  machine.initramfs = build + "/bpmp-initramfs.gz";
  machine.device = "nvidia-bpmp-guest,broker=unix:" + bench.broker().socket(0);
  machine.more = {"-d", "trace:nvidia_bpmp_guest_*", "-D", trace};
  testing::LinuxGuest guest(machine);
  if (!guest.Ready()) Fail("the guest doesn't come up: " + guest.Console());
  guest.qemu().Kill();

  double accesses = 0;
  double requests = 0;
  std::ifstream file(trace);
  for (std::string line; std::getline(file, line);) {
    if (absl::StrContains(line, "nvidia_bpmp_guest_read") ||
        absl::StrContains(line, "nvidia_bpmp_guest_write")) {
      ++accesses;
    } else if (absl::StrContains(line, "nvidia_bpmp_guest_ring")) {
      ++requests;
    }
  }
  if (requests == 0) Fail("the guest asked for nothing");
  std::fprintf(stderr, "a boot: %.0f requests\n", requests);
  Print(
      {"guest accesses per request over a Linux boot", accesses / requests, "accesses", true, 22});
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 5) {
    std::fprintf(stderr, "usage: boot_bench BROKER ECHO-SERVER QEMU KERNEL-BUILD\n");
    return 2;
  }
  try {  // so that the servers and their directory go, whatever fails
    const bpmp::bench::Bench bench(argv[1], argv[2], 1);
    bpmp::bench::Accesses(bench, argv[3], argv[4]);
  } catch (const bpmp::bench::Failure& failure) {
    std::fprintf(stderr, "boot_bench: %s\n", failure.what());
    return 1;
  }
  return 0;
}
