// SPDX-License-Identifier: Apache-2.0
// Measures guests with a stock kernel on the mailbox, and beside them guests with the guest proxy
// on the window. Prints one figure a line (figures.h).
//
//   mailbox_bench BROKER ECHO-SERVER QEMU STOCK-KERNEL-BUILD STOCK-INITRAMFS KERNEL-BUILD INITRAMFS
//                 STAND-IN
//
// The folders are what kernel/build.sh has printed, with and without --stock; each INITRAMFS is
// what tests/e2e/initramfs.sh has made of what guest/build.sh has; STAND-IN is the folder of the
// library of known/stand_in.cc, which answers inside the emulator: what the mailbox costs without a
// broker.
#include <cstdio>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "broker/backend/sim/fault.h"
#include "tests/bench/figures.h"
#include "tests/bench/linux_side.h"
#include "tests/bench/sides.h"
#include "tests/lib/test_broker.h"

namespace bpmp::bench {
namespace {

constexpr int kVms = 4;
constexpr int kBoots = 15;
constexpr int kAtomic = 500;
constexpr char kLoad[] = "insmod /opt/bpmp-bench.ko";
// Several callers, and a firmware that takes its time.
constexpr int kCallers = 3;
constexpr int kRequests = 500;
constexpr char kFirmware[] = "CLK GET_RATE 155 delay=1ms";
constexpr char kVm[] = R"(vms { name: "a" clocks { name: "uarta" access: ACCESS_VOTE } })";

// The numbers that a program of the guest prints.
std::vector<double> Numbers(testing::LinuxGuest* guest, const std::string& line) {
  const std::string said = guest->Run(line);
  std::vector<double> numbers;
  for (const absl::string_view word : absl::StrSplit(said, ' ', absl::SkipWhitespace())) {
    double number = 0;
    if (!absl::SimpleAtod(word, &number)) Fail(absl::StrCat("the guest can't measure: ", said));
    numbers.push_back(number);
  }
  if (guest->status() != 0 || numbers.empty()) Fail(absl::StrCat(line, ": ", said));
  return numbers;
}

double PerRequest(const DeviceTrace& trace) { return trace.accesses / trace.requests; }

void Exits(const LinuxSide& stock, const LinuxSide& window) {
  Print({"mailbox: exits per request over a Linux boot", PerRequest(stock.BootTrace()), "exits",
         true, 5.1});
  PrintPart("window: the same", PerRequest(window.BootTrace()), "exits");
  const std::string ask = absl::StrCat("/opt/callers atomic ", kAtomic);
  Print({"mailbox: exits per request of an atomic caller", PerRequest(stock.TraceOf(kLoad, ask)),
         "exits", true, 3});
  PrintPart("window: the same", PerRequest(window.TraceOf(kLoad, ask)), "exits");
}

// What a caller costs alone and together with others, with a firmware of one millisecond.
struct Waiting {
  double one = 0;    // ns per request
  double three = 0;  // ns per request, of all of them
  double lost = 0;   // share of its time that a vCPU can't use while somebody waits
};

Waiting MeasureWaiting(const LinuxSide& side) {
  testing::LinuxGuest guest(side.machine());
  if (!guest.Ready()) Fail("the guest doesn't come up: " + guest.Console());
  guest.Run(kLoad);
  Waiting waiting;
  const std::string rates = absl::StrCat("/opt/callers rates ", kRequests, " ");
  waiting.one = Numbers(&guest, rates + "1")[0];
  waiting.three = Numbers(&guest, absl::StrCat(rates, kCallers))[0];
  waiting.lost = Numbers(&guest, absl::StrCat("/opt/callers lost ", kRequests))[0] / 1000;
  return waiting;
}

void Callers(const LinuxParts& parts) {
  testing::TestBroker broker(kVm);
  broker.sim().AddFault(*backend::sim::ParseFault(kFirmware));
  const Waiting mailbox = MeasureWaiting(LinuxSide::Stock(parts, broker.socket("a")));
  const Waiting window = MeasureWaiting(LinuxSide::Ours(parts, broker.socket("a")));
  std::fprintf(stderr, "one caller, firmware of 1 ms: mailbox %.3f ms, window %.3f ms a request\n",
               mailbox.one / 1e6, window.one / 1e6);
  Print({"mailbox: three callers / one, time per request, firmware of 1 ms",
         mailbox.three / mailbox.one, "ratio", true, 0.45});
  PrintPart("window: the same", window.three / window.one, "ratio");
  PrintPart("mailbox: a vCPU's time lost while a thread waits", mailbox.lost, "share");
  PrintPart("window: the same", window.lost, "share");
}

// Of one request that the broker answers by itself, in microseconds.
double RoundTrip(const LinuxSide& side) {
  testing::LinuxGuest guest(side.machine());
  if (!guest.Ready()) Fail("the guest doesn't come up: " + guest.Console());
  guest.Run(kLoad);
  return Numbers(&guest, "/opt/round_trips 40 1")[0] / 1e3;
}

void RoundTrips(const LinuxSide& stock, const LinuxSide& window) {
  const CpusNeverHalt never_halt;
  PrintPart("mailbox: IS_ENABLED seen by a guest program", RoundTrip(stock), "us");
  PrintPart("window: the same", RoundTrip(window), "us");
}

void Boots(const std::vector<LinuxSide>& stock, const LinuxSide& alone, const LinuxSide& window) {
  // The one inside the emulator shows its guest everything, the broker what the VM may see.
  std::fprintf(stderr, "a boot: %.0f requests; without a broker %.0f\n",
               stock[0].BootTrace().requests, alone.BootTrace().requests);
  std::vector<double> with_broker;
  std::vector<double> without;
  std::vector<double> by_window;
  for (int boot = 0; boot <= kBoots; ++boot) {
    // By turns, so that none waits for the end of the one before.
    with_broker.push_back(stock[boot % stock.size()].BootSeconds());
    without.push_back(alone.BootSeconds());
    by_window.push_back(window.BootSeconds());
    if (boot > 0) continue;  // a warm-up
    with_broker.clear();
    without.clear();
    by_window.clear();
  }
  std::fprintf(stderr,
               "power-on to /init: mailbox %.3f s, without a broker %.3f s, window %.3f s\n",
               Median(with_broker), Median(without), Median(by_window));
  Print({"mailbox: boot to /init with the broker / answered inside the emulator",
         Median(with_broker) / Median(without), "ratio", true, 1.15});
  PrintPart("window: boot to /init with the broker / the mailbox's",
            Median(by_window) / Median(with_broker), "ratio");
}

void Measure(const Bench& bench, const LinuxParts& parts) {
  std::vector<LinuxSide> stock;
  stock.reserve(kVms - 1);
  for (int vm = 0; vm + 1 < kVms; ++vm) {
    stock.push_back(LinuxSide::Stock(parts, bench.broker().socket(vm)));
  }
  const LinuxSide window = LinuxSide::Ours(parts, bench.broker().socket(kVms - 1));
  Exits(stock[0], window);
  Callers(parts);
  RoundTrips(stock[1], window);
  Boots(stock, LinuxSide::StockAlone(parts), window);
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 9) {
    std::fprintf(stderr,
                 "usage: mailbox_bench BROKER ECHO-SERVER QEMU STOCK-KERNEL-BUILD STOCK-INITRAMFS "
                 "KERNEL-BUILD INITRAMFS STAND-IN\n");
    return 2;
  }
  return bpmp::bench::Run("mailbox_bench", [argv] {
    bpmp::bench::LinuxParts parts;
    parts.qemu = argv[3];
    parts.stock_kernel = argv[4];
    parts.stock_initramfs = argv[5];
    parts.kernel = argv[6];
    parts.initramfs = argv[7];
    parts.stand_in = argv[8];
    const bpmp::bench::Bench bench(argv[1], argv[2], bpmp::bench::kVms,
                                   bpmp::bench::Rates::kUnlimited);
    bpmp::bench::Measure(bench, parts);
  });
}
