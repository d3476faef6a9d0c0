// SPDX-License-Identifier: Apache-2.0
// What one request costs, layer by layer: each layer's own code alone, in this process and on one
// thread, beside the round trip that a VMM sees of the broker, and of an empty echo. One line a
// layer on standard output (PrintPart).
//
//   layers_bench BROKER ECHO-SERVER
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

#include "bpmp/v1/guest.pb.h"
#include "broker/base/mutex.h"
#include "broker/mrq/codec.h"
#include "qemu-client/src/request_table.h"
#include "tests/bench/client_side.h"
#include "tests/bench/figures.h"
#include "tests/bench/sides.h"
#include "tests/lib/test_broker.h"

namespace bpmp::bench {
namespace {

constexpr int kRounds = 20'000;
constexpr int kRepeats = 7;
constexpr uint32_t kAnswerSize = 4;
constexpr uint8_t kGetRate = 1;

// Microseconds of one call of `what`: the median of some passes' means.
template <typename What>
double Micros(What&& what) {
  std::vector<double> passes;
  for (int pass = 0; pass < kRepeats; ++pass) {
    const auto begin = std::chrono::steady_clock::now();
    for (int i = 0; i < kRounds; ++i) what();
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - begin;
    passes.push_back(took.count() / kRounds);
  }
  return Median(passes);
}

std::array<uint8_t, 4> Payload(uint8_t command) { return {kClock, 0, 0, command}; }

// The client library between its caller and gRPC.
double ClientMicros() {
  client::RequestTable table;
  const absl::Time now = absl::UnixEpoch();
  table.Connected(64, now);
  const auto tx = Payload(kIsEnabled);
  client::Call call;
  call.mrq = kMrqClk;
  call.tx = tx;
  call.rx_size = kAnswerSize;
  call.timeout = absl::Seconds(1);
  const std::array<uint8_t, kAnswerSize> rx = {};
  return Micros([&] {
    bool wake = false;
    client::Outgoing out;
    if (table.Submit(call, now, &wake) != 0 || !table.Take(&out)) Fail("the table is full");
    table.OnResponse(out.sequence, 0, rx, now);
  });
}

// Both messages, written and read.
double MessagesMicros() {
  v1::SessionRequest request;
  v1::SessionResponse response;
  const auto tx = Payload(kIsEnabled);
  uint64_t sequence = 0;
  return Micros([&] {
    request.set_sequence(++sequence);
    request.mutable_request()->set_mrq(kMrqClk);
    request.mutable_request()->set_rx_size(kAnswerSize);
    request.mutable_request()->mutable_tx()->assign(tx.begin(), tx.end());
    const std::string there = request.SerializeAsString();
    response.set_sequence(sequence);
    response.mutable_response()->mutable_rx()->assign(kAnswerSize, '\0');
    const std::string back = response.SerializeAsString();
    if (!request.ParseFromString(there) || !response.ParseFromString(back)) Fail("no messages");
  });
}

double DecodeMicros() {
  const auto tx = Payload(kIsEnabled);
  return Micros([&] {
    if (!mrq::DecodeRequest(kMrqClk, tx).ok()) Fail("the request can't be decoded");
  });
}

// From bytes to the answer, with the engine's lock, and the worker where the hardware is asked.
double EngineMicros(testing::TestBroker* broker, uint8_t command) {
  const auto tx = Payload(command);
  const VmId vm = broker->vm("a");
  Mutex mutex;
  CondVar changed;
  return Micros([&] {
    bool answered = false;
    broker->engine().SubmitBytes(vm, kMrqClk, tx, absl::Seconds(1),
                                 [&](const mrq::Response& response, core::Reason) {
                                   MutexLock lock(&mutex);
                                   answered = response.ok();
                                   changed.Signal();
                                 });
    MutexLock lock(&mutex);
    while (!answered) {
      changed.Wait(&mutex);
    }
  });
}

double BackendMicros(testing::TestBroker* broker) {
  const auto request = mrq::DecodeRequest(kMrqClk, Payload(kGetRate));
  return Micros([&] {
    if (!broker->sim().Transfer(*request, absl::InfiniteFuture()).ok()) {
      Fail("the simulation is gone");
    }
  });
}

double RoundTripMicros(const std::string& socket, uint8_t command) {
  ClientSide client(socket);
  client.Ask(kEnable);
  std::vector<double> micros;
  client.Time(kRounds / 4, command, &micros);
  return Median(micros);
}

void Measure(const Bench& bench) {
  // Before this process has servers of its own, whose threads would take what comes for the
  // library.
  const double echo = RoundTripMicros(bench.echo().socket(0), kIsEnabled);
  const double is_enabled = RoundTripMicros(bench.broker().socket(0), kIsEnabled);
  const double get_rate = RoundTripMicros(bench.broker().socket(0), kGetRate);
  testing::TestBroker broker(R"(vms { name: "a" clocks { name: "uarta" access: ACCESS_VOTE } })");
  const double client = ClientMicros();
  const double messages = MessagesMicros();
  const double decode = DecodeMicros();
  const double engine = EngineMicros(&broker, kIsEnabled);
  const double backend = BackendMicros(&broker);
  const double worker = EngineMicros(&broker, kGetRate) - engine - backend;
  const auto print = [](const char* name, double micros) { PrintPart(name, micros, "us"); };
  print("layer client: the library's table", client);
  print("layer transport: gRPC there and back, an empty echo less client and messages",
        echo - client - messages);
  print("layer messages: both written and read", messages);
  print("layer decode", decode);
  print("layer decide and reply, with the engine's lock", engine - decode);
  print("layer worker: there and back, GET_RATE only", worker);
  print("layer backend: the simulation, GET_RATE only", backend);
  print("whole IS_ENABLED through the client library", is_enabled);
  print("whole GET_RATE through the client library", get_rate);
  print("whole IS_ENABLED less its layers", is_enabled - echo - engine);
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: layers_bench BROKER ECHO-SERVER\n");
    return 2;
  }
  return bpmp::bench::Run("layers_bench", [argv] {
    bpmp::bench::Measure(bpmp::bench::Bench(argv[1], argv[2], 1, bpmp::bench::Rates::kUnlimited));
  });
}
