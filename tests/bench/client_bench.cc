// SPDX-License-Identifier: Apache-2.0
// Measures the broker as a VMM sees it, through libbpmp-client: the same client against the broker
// and against an empty gRPC echo, in turn. Prints one figure a line (figures.h); on standard error,
// what the library itself costs above the plainest client.
//
//   client_bench BROKER ECHO-SERVER
#include <bpmp_client.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "tests/bench/figures.h"
#include "tests/bench/guest_client.h"
#include "tests/bench/sides.h"

namespace bpmp::bench {
namespace {

constexpr uint32_t kMrqClk = 22;
constexpr uint8_t kClock = 155;  // uarta
constexpr uint8_t kIsEnabled = 6;
constexpr uint8_t kEnable = 7;
constexpr uint32_t kConnectMs = 20'000;
constexpr int kChunks = 16;
constexpr int kChunk = 1500;

class Client {
 public:
  explicit Client(const std::string& socket) {
    const std::string broker = "unix:" + socket;
    std::array<char, 256> error{};
    bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
    config.broker = broker.c_str();
    config.client_name = "client_bench";
    if (bpmp_client_open(&config, kConnectMs, &client_, error.data(), error.size()) != 0) {
      Fail(error.data());
    }
  }
  ~Client() { bpmp_client_close(client_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void Ask(uint8_t command) {
    const std::array<uint8_t, 4> tx = {kClock, 0, 0, command};
    std::array<uint8_t, 4> rx{};
    int32_t error = 0;
    const int status =
        bpmp_client_transfer(client_, kMrqClk, tx.data(), tx.size(), rx.data(), rx.size(), &error);
    if (status != 0 || error != 0) Fail(bpmp_client_strerror(status));
  }
  void Time(std::vector<double>* micros) {
    for (int i = 0; i < kChunk; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      Ask(kIsEnabled);
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - begin;
      micros->push_back(took.count());
    }
  }

 private:
  bpmp_client* client_ = nullptr;
};

v1::MrqRequest IsEnabled() {
  mrq::ClkRequest request;
  request.cmd = mrq::ClkCmd::kIsEnabled;
  request.clock = ClockId(kClock);
  return Encode(request);
}

void RoundTrips(const Bench& bench) {
  Client broker(bench.broker().socket(0));
  Client echo(bench.echo().socket(0));
  LockStep plain(bench.echo().Channel(0));
  const v1::MrqRequest message = IsEnabled();
  std::vector<double> broker_us;
  std::vector<double> echo_us;
  std::vector<double> plain_us;
  broker.Ask(kEnable);
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    broker.Time(&broker_us);
    echo.Time(&echo_us);
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
  try {  // so that the servers and their directory go, whatever fails
    bpmp::bench::RoundTrips(bpmp::bench::Bench(argv[1], argv[2], 1));
  } catch (const bpmp::bench::Failure& failure) {
    std::fprintf(stderr, "client_bench: %s\n", failure.what());
    return 1;
  }
  return 0;
}
