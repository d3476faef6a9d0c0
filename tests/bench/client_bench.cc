// SPDX-License-Identifier: Apache-2.0
// Measures the broker as a VMM sees it, through libbpmp-client: the same client against the broker
// and against an empty gRPC echo, in turn. Prints one figure a line (figures.h); on standard error,
// what the library itself costs above the plainest client.
//
//   client_bench BROKER ECHO-SERVER
#include <cstdio>
#include <vector>

#include "tests/bench/client_side.h"
#include "tests/bench/figures.h"
#include "tests/bench/guest_client.h"
#include "tests/bench/sides.h"

namespace bpmp::bench {
namespace {

constexpr int kChunks = 16;
constexpr int kChunk = 1500;

v1::MrqRequest IsEnabled() {
  mrq::ClkRequest request;
  request.cmd = mrq::ClkCmd::kIsEnabled;
  request.clock = ClockId(kClock);
  return Encode(request);
}

void RoundTrips(const Bench& bench) {
  ClientSide broker(bench.broker().socket(0));
  ClientSide echo(bench.echo().socket(0));
  LockStep plain(bench.echo().Channel(0));
  const v1::MrqRequest message = IsEnabled();
  std::vector<double> broker_us;
  std::vector<double> echo_us;
  std::vector<double> plain_us;
  broker.Ask(kEnable);
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    broker.Time(kChunk, &broker_us);
    echo.Time(kChunk, &echo_us);
    if (!plain.Time(message, kChunk, &plain_us)) Fail(plain.error());
    if (chunk > 0) continue;  // a warm-up
    for (auto* times : {&broker_us, &echo_us, &plain_us}) times->clear();
  }
  std::fprintf(stderr, "client library: broker %.1f us, echo %.1f us; plain client: echo %.1f us\n",
               Median(broker_us), Median(echo_us), Median(plain_us));
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
  return bpmp::bench::Run(
      "client_bench", [argv] { bpmp::bench::RoundTrips(bpmp::bench::Bench(argv[1], argv[2], 1)); });
}
