// SPDX-License-Identifier: Apache-2.0
// Measures the QEMU device: a guest without an operating system asks through it, and the client
// library, which the device uses, asks the same broker directly, in turn. Prints one figure a line
// (figures.h).
//
//   device_bench BROKER ECHO-SERVER QEMU
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "tests/bench/client_side.h"
#include "tests/bench/figures.h"
#include "tests/bench/sides.h"
#include "tests/bench/trace.h"
#include "tests/qemu/qemu_process.h"
#include "tests/qemu/window.h"

namespace bpmp::bench {
namespace {

namespace window = testing::window;

// Of asking.S.
constexpr uint64_t kRam = 0x41000000;
constexpr uint64_t kTimes = kRam + 0x00;
constexpr uint64_t kOnce = kRam + 0x08;
constexpr uint64_t kFailed = kRam + 0x10;
constexpr uint64_t kReady = kRam + 0x18;
constexpr uint64_t kTicks = kRam + 0x1000;
// What it does to ask once.
constexpr double kAccesses = 7;

constexpr int kChunks = 16;
constexpr int kChunk = 500;

// The device's side: a guest that asks when it is told to.
class Guest {
 public:
  Guest(const std::string& qemu, const std::string& socket, const std::vector<std::string>& more)
      : qemu_(qemu, "tcg", Arguments(socket, more)) {
    if (!qemu_.Started()) Fail(qemu_.Output());
    while (qemu_.Read(kReady, 8) == 0) {
    }
    ticks_per_us_ = static_cast<double>(qemu_.Read(kReady, 8)) / 1e6;
    testing::Window registers(&qemu_);
    registers.Write(window::kTx, uint64_t{kIsEnabled} << 24 | kClock, 8);
    registers.Write(window::kTxSize, 16, 8);
    registers.Write(window::kRxSize, 4, 8);
    Command("stop");
  }

  void Time(int count, std::vector<double>* micros) {
    Run(kTimes, static_cast<uint64_t>(count));
    std::vector<std::string> commands;
    commands.reserve(static_cast<size_t>(count));
    for (int i = 0; i < count; ++i) {
      commands.push_back(absl::StrFormat("readq 0x%x", kTicks + 8 * static_cast<uint64_t>(i)));
    }
    for (const uint64_t ticks : qemu_.Batch(commands)) {
      micros->push_back(static_cast<double>(ticks) / ticks_per_us_);
    }
  }
  void Once() { Run(kOnce, 1); }

 private:
  static std::vector<std::string> Arguments(const std::string& socket,
                                            const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"-cpu",    "cortex-a57",
                                          "-kernel", BPMP_ASKING,
                                          "-device", "nvidia-bpmp-guest,broker=unix:" + socket};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  }
  // Writes a word that the guest takes back when it has done what the word says.
  // Between two runs it is stopped, for it waits by spinning.
  void Run(uint64_t word, uint64_t value) {
    qemu_.Write(word, value, 8);
    Command("cont");
    // Each look occupies the emulator's main loop and a CPU: seldom, or that is what is measured.
    while (qemu_.Read(word, 8) != 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    Command("stop");
    if (qemu_.Read(kFailed, 8) != 0) Fail("the guest's request failed");
  }
  void Command(const std::string& name) {
    const std::string answer = qemu_.Qmp(absl::StrCat(R"({"execute": ")", name, R"("})"));
    if (!absl::StrContains(answer, "return")) Fail(answer);
  }

  testing::QemuProcess qemu_;
  double ticks_per_us_ = 0;
};

void RoundTrips(const Bench& bench, const std::string& qemu) {
  ClientSide library(bench.broker().socket(0));
  Guest guest(qemu, bench.broker().socket(1), {});
  std::vector<double> library_us;
  std::vector<double> guest_us;
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    library.Time(kChunk, kIsEnabled, &library_us);
    guest.Time(kChunk, &guest_us);
    if (chunk > 0) continue;  // a warm-up
    library_us.clear();
    guest_us.clear();
  }
  std::fprintf(stderr, "device: doorbell to answer %.1f us, library %.1f us\n", Median(guest_us),
               Median(library_us));
  Print({"device doorbell to answer p50, IS_ENABLED / client library",
         Median(guest_us) / Median(library_us), "ratio", true, 1.2});
}

void Accesses(const Bench& bench, const std::string& qemu) {
  const testing::TemporaryDirectory directory;
  const std::string trace = directory.path() + "/trace";
  double before = 0;
  double after = 0;
  {
    Guest guest(qemu, bench.broker().socket(2), TraceTo(trace));
    guest.Once();
    before = ReadTrace(trace).accesses;
    guest.Once();
    after = ReadTrace(trace).accesses;
  }
  Print({"guest accesses per CLK request, payload-only", after - before, "accesses", true, 10});
  Print({"device callbacks per access", (after - before) / kAccesses, "callbacks", true, 1});
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: device_bench BROKER ECHO-SERVER QEMU\n");
    return 2;
  }
  return bpmp::bench::Run("device_bench", [argv] {
    const bpmp::bench::Bench bench(argv[1], argv[2], 3, bpmp::bench::Rates::kUnlimited);
    bpmp::bench::RoundTrips(bench, argv[3]);
    bpmp::bench::Accesses(bench, argv[3]);
  });
}
