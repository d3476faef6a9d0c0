// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_BENCH_CLIENT_SIDE_H_
#define TESTS_BENCH_CLIENT_SIDE_H_

#include <bpmp_client.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/bench/sides.h"

namespace bpmp::bench {

inline constexpr uint32_t kMrqClk = 22;
inline constexpr uint8_t kClock = 155;  // uarta
inline constexpr uint8_t kIsEnabled = 6;
inline constexpr uint8_t kEnable = 7;
inline constexpr uint32_t kConnectMs = 20'000;

// libbpmp-client, connected; asks for or about one clock, in lock step. Throws Failure.
class ClientSide {
 public:
  explicit ClientSide(const std::string& socket) {
    const std::string broker = "unix:" + socket;
    std::array<char, 256> error{};
    bpmp_client_config config = BPMP_CLIENT_CONFIG_INIT;
    config.broker = broker.c_str();
    config.client_name = "client_bench";
    if (bpmp_client_open(&config, kConnectMs, &client_, error.data(), error.size()) != 0) {
      Fail(error.data());
    }
  }
  ~ClientSide() { bpmp_client_close(client_); }
  ClientSide(const ClientSide&) = delete;
  ClientSide& operator=(const ClientSide&) = delete;

  void Ask(uint8_t command) {
    const std::array<uint8_t, 4> tx = {kClock, 0, 0, command};
    std::array<uint8_t, 4> rx{};
    int32_t error = 0;
    const int status =
        bpmp_client_transfer(client_, kMrqClk, tx.data(), tx.size(), rx.data(), rx.size(), &error);
    if (status != 0 || error != 0) Fail(bpmp_client_strerror(status));
  }
  // `count` times the same; how long each took, in microseconds.
  void Time(int count, uint8_t command, std::vector<double>* micros) {
    for (int i = 0; i < count; ++i) {
      const auto begin = std::chrono::steady_clock::now();
      Ask(command);
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - begin;
      micros->push_back(took.count());
    }
  }

 private:
  bpmp_client* client_ = nullptr;
};

}  // namespace bpmp::bench

#endif  // TESTS_BENCH_CLIENT_SIDE_H_
