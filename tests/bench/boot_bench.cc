// SPDX-License-Identifier: Apache-2.0
// Measures Linux guests on the whole path, and what a boot costs in accesses to the device's
// window, by the device's own trace. Prints one figure a line (figures.h).
//
//   boot_bench BROKER ECHO-SERVER QEMU KERNEL-BUILD KNOWN-KERNEL-BUILD INITRAMFS STAND-IN
//
// The folders are what kernel/build.sh has printed, without and with --guest-proxy; INITRAMFS is
// what tests/e2e/initramfs.sh has made of what guest/build.sh has; STAND-IN is the folder of the
// library of known/stand_in.cc. What the known path is here, and in which direction that errs:
// docs/adr/2026-11-29-what-the-known-proxy-is-measured-as.md.
#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "tests/bench/figures.h"
#include "tests/bench/linux_side.h"
#include "tests/bench/sides.h"

namespace bpmp::bench {
namespace {

constexpr int kVms = 4;
constexpr int kBoots = 15;
constexpr char kChunks[] = "40";
// Of the known proxy for each message.
constexpr double kKnownAccesses = 384;

// In a guest, in nanoseconds.
struct GuestTimes {
  double is_enabled = 0;
  double copy = 0;        // all that the known proxy moves for one message, in our device's window
  double split_copy = 0;  // the same where QEMU splits each access in two
};

GuestTimes MeasureInGuest(const LinuxSide& side) {
  testing::LinuxGuest guest(side.machine());
  if (!guest.Ready()) Fail("the guest doesn't come up: " + guest.Console());
  guest.Run("insmod /opt/bpmp-bench.ko");
  const std::string said = guest.Run(std::string("/opt/round_trips ") + kChunks);
  const std::vector<std::string> words = absl::StrSplit(said, ' ', absl::SkipWhitespace());
  GuestTimes times;
  if (words.size() != 3 || !absl::SimpleAtod(words[0], &times.is_enabled) ||
      !absl::SimpleAtod(words[1], &times.copy) || !absl::SimpleAtod(words[2], &times.split_copy)) {
    Fail("the guest can't measure: " + said);
  }
  return times;
}

// What one request costs beside the known proxy's copying.
double Ratio(const GuestTimes& times) {
  return times.is_enabled / std::min(times.copy, times.split_copy);
}

GuestTimes RoundTrips(const LinuxSide& ours, const char* when) {
  const GuestTimes times = MeasureInGuest(ours);
  std::fprintf(stderr,
               "a guest's program, %s: IS_ENABLED %.1f us, the known copying %.1f us, split %.1f "
               "us; the ratio is %.2f\n",
               when, times.is_enabled / 1e3, times.copy / 1e3, times.split_copy / 1e3,
               Ratio(times));
  return times;
}

GuestTimes CompareRoundTrips(const LinuxSide& ours) {
  RoundTrips(ours, "where idle CPUs halt");
  const CpusNeverHalt never_halt;
  const GuestTimes times = RoundTrips(ours, "where they don't");
  Print({"IS_ENABLED seen by a guest program / the known proxy's copying alone (goal: 0.8)",
         Ratio(times), "ratio", true, 1});
  return times;
}

// How many requests each side's boot has.
struct BootRequests {
  double ours = 0;
  double known = 0;
};

BootRequests Accesses(const LinuxSide& ours, const LinuxSide& known) {
  const DeviceTrace seen = ours.BootTrace();
  const DeviceTrace known_seen = known.BootTrace();
  std::fprintf(stderr, "a boot: %.0f requests; with the known proxy %.0f\n", seen.requests,
               known_seen.requests);
  if (known_seen.accesses < kKnownAccesses * known_seen.requests) {
    Fail("the kernel that has the known proxy's accesses doesn't make them");
  }
  Print({"guest accesses per request over a Linux boot", seen.accesses / seen.requests, "accesses",
         true, 22});
  return {seen.requests, known_seen.requests};
}

void BootTimes(const std::vector<LinuxSide>& ours, const LinuxSide& known, double excess) {
  std::vector<double> our_seconds;
  std::vector<double> known_seconds;
  for (int boot = 0; boot <= kBoots; ++boot) {
    // By turns, so that none waits for the end of the one before.
    our_seconds.push_back(ours[boot % ours.size()].BootSeconds());
    known_seconds.push_back(known.BootSeconds());
    if (boot > 0) continue;  // a warm-up
    our_seconds.clear();
    known_seconds.clear();
  }
  std::fprintf(stderr,
               "power-on to /init: %.3f s; known %.3f s, of which our device's excess %.3f s\n",
               Median(our_seconds), Median(known_seconds), excess);
  Print({"boot to /init with the broker / with the known proxy and no broker",
         Median(our_seconds) / (Median(known_seconds) - excess), "ratio", true, 1});
}

void Measure(const Bench& bench, const LinuxParts& parts) {
  const LinuxSide known = LinuxSide::Known(parts);
  std::vector<LinuxSide> ours;
  ours.reserve(kVms);
  for (int vm = 0; vm < kVms; ++vm) {
    ours.push_back(LinuxSide::Ours(parts, bench.broker().socket(vm)));
  }
  const GuestTimes times = CompareRoundTrips(ours[0]);
  const BootRequests requests = Accesses(ours[1], known);
  BootTimes(ours, known, requests.known * std::max(0.0, times.copy - times.split_copy) / 1e9);
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 8) {
    std::fprintf(stderr,
                 "usage: boot_bench BROKER ECHO-SERVER QEMU KERNEL-BUILD KNOWN-KERNEL-BUILD "
                 "INITRAMFS STAND-IN\n");
    return 2;
  }
  return bpmp::bench::Run("boot_bench", [argv] {
    const bpmp::bench::Bench bench(argv[1], argv[2], bpmp::bench::kVms,
                                   bpmp::bench::Rates::kUnlimited);
    bpmp::bench::Measure(bench, {argv[3], argv[4], argv[5], argv[6], argv[7], "", ""});
  });
}
