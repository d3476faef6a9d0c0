// SPDX-License-Identifier: Apache-2.0
// Measures the broker as a VMM sees it, through libbpmp-client: the same client against the broker
// and against an empty gRPC echo, in turn. Prints one figure a line (figures.h).
//
//   client_bench BROKER ECHO-SERVER
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/client_side.h"
#include "tests/bench/figures.h"
#include "tests/bench/sides.h"

namespace bpmp::bench {
namespace {

constexpr int kChunks = 16;
constexpr int kChunk = 1500;

// A client of its own each time, because a VMM has one: where a process has two, the thread of the
// one takes what comes for the other.
void Time(const std::string& socket, std::vector<double>* micros) {
  ClientSide client(socket);
  client.Ask(kEnable);
  client.Time(kChunk, kIsEnabled, micros);
}

void RoundTrips(const Bench& bench) {
  std::vector<double> broker_us;
  std::vector<double> echo_us;
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    Time(bench.broker().socket(0), &broker_us);
    Time(bench.echo().socket(0), &echo_us);
    if (chunk > 0) continue;  // a warm-up
    broker_us.clear();
    echo_us.clear();
  }
  std::fprintf(stderr, "client library: broker %.1f us, echo %.1f us\n", Median(broker_us),
               Median(echo_us));
  Print({"client library round trip p50, IS_ENABLED / echo", Median(broker_us) / Median(echo_us),
         "ratio", true, 1.15});
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: client_bench BROKER ECHO-SERVER\n");
    return 2;
  }
  return bpmp::bench::Run("client_bench", [argv] {
    bpmp::bench::RoundTrips(
        bpmp::bench::Bench(argv[1], argv[2], 1, bpmp::bench::Rates::kUnlimited));
  });
}
