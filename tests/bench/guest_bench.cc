// SPDX-License-Identifier: Apache-2.0
// Measures the broker against an empty gRPC echo: same API, client code, transport and message
// sizes, the two sides taken in turn. Prints one figure a line (figures.h).
//
//   guest_bench BROKER ECHO-SERVER [WORD]
//
// With WORD, only the figures whose names contain it.
#include <chrono>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/bench/figures.h"
#include "tests/bench/guest_client.h"
#include "tests/bench/sides.h"

namespace bpmp::bench {
namespace {

constexpr int kVms = 256;
constexpr uint32_t kClock = 155;  // uarta
constexpr uint32_t kMaxClock = 476;

mrq::ClkRequest Clk(mrq::ClkCmd cmd, uint32_t clock = kClock) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = ClockId(clock);
  return request;
}

// Fails where a side has no figure: a ratio of nothing is none.
double Divide(double broker, double echo) {
  if (!(broker > 0 && echo > 0)) Fail("nothing could be measured; is a server gone?");
  return broker / echo;
}

double Ratio(const std::vector<double>& broker, const std::vector<double>& echo) {
  return Divide(Median(broker), Median(echo));
}

void RoundTrips(const Sides& sides, const std::string& name, const mrq::Request& request,
                double target) {
  constexpr int kChunks = 12;
  constexpr int kChunk = 1500;
  const CpusNeverHalt never_halt;
  const v1::MrqRequest message = Encode(request);
  LockStep broker(sides.broker.Channel(0));
  LockStep echo(sides.echo.Channel(0));
  std::vector<double> broker_us;
  std::vector<double> echo_us;
  std::vector<double> warm;
  broker.Ask(Encode(Clk(mrq::ClkCmd::kEnable)));
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    const bool counted = chunk > 0;
    if (!broker.Time(message, kChunk, counted ? &broker_us : &warm)) Fail(broker.error());
    if (!echo.Time(message, kChunk, counted ? &echo_us : &warm)) Fail(echo.error());
  }
  Print({name, Ratio(broker_us, echo_us), "ratio", true, target});
}

void UnaryRoundTrips(const Sides& sides, const std::string& name) {
  constexpr int kChunks = 12;
  constexpr int kChunk = 1000;
  const CpusNeverHalt never_halt;
  v1::TransferRequest request;
  *request.mutable_request() = Encode(Clk(mrq::ClkCmd::kIsEnabled));
  const auto broker = v1::Guest::NewStub(sides.broker.Channel(0));
  const auto echo = v1::Guest::NewStub(sides.echo.Channel(0));
  const auto time = [&](v1::Guest::Stub* stub, std::vector<double>* micros) {
    for (int i = 0; i < kChunk; ++i) {
      grpc::ClientContext context;
      v1::TransferResponse response;
      const auto begin = std::chrono::steady_clock::now();
      const grpc::Status status = stub->Transfer(&context, request, &response);
      if (!status.ok()) Fail("a unary Transfer failed: " + status.error_message());
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - begin;
      micros->push_back(took.count());
    }
  };
  std::vector<double> broker_us;
  std::vector<double> echo_us;
  std::vector<double> warm;
  for (int chunk = 0; chunk < kChunks; ++chunk) {
    time(broker.get(), chunk > 0 ? &broker_us : &warm);
    time(echo.get(), chunk > 0 ? &echo_us : &warm);
  }
  Print({name, Ratio(broker_us, echo_us), "ratio", true, 1.15});
}

// Answers per second of `streams` sessions that each have one request outstanding.
class Crowd {
 public:
  Crowd(const Side& side, int streams) {
    for (int vm = 0; vm < streams; ++vm) channels_.push_back(side.Channel(static_cast<size_t>(vm)));
  }
  double Throughput(std::chrono::milliseconds time) {
    std::vector<std::unique_ptr<Pump>> pumps;
    for (const auto& channel : channels_) {
      pumps.push_back(std::make_unique<Pump>(channel, Encode(Clk(mrq::ClkCmd::kIsEnabled)), 1));
      pumps.back()->Start();
    }
    const auto count = [&] {
      uint64_t answers = 0;
      for (const auto& pump : pumps) answers += pump->answers();
      return answers;
    };
    std::this_thread::sleep_for(time / 4);
    const uint64_t before = count();
    const auto begin = std::chrono::steady_clock::now();
    std::this_thread::sleep_for(time);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
    const uint64_t after = count();
    // All at once, or those that are waited for last flood the others meanwhile.
    for (auto& pump : pumps) pump->Close();
    return static_cast<double>(after - before) / took.count();
  }

 private:
  std::vector<std::shared_ptr<grpc::Channel>> channels_;
};

void Throughputs(const Sides& sides, const std::string& name, int streams) {
  Crowd broker(sides.broker, streams);
  Crowd echo(sides.echo, streams);
  std::vector<double> broker_rates;
  std::vector<double> echo_rates;
  for (int round = 0; round < 21; ++round) {
    const double b = broker.Throughput(std::chrono::milliseconds(200));
    const double e = echo.Throughput(std::chrono::milliseconds(200));
    if (round == 0) continue;  // warm-up
    broker_rates.push_back(b);
    echo_rates.push_back(e);
  }
  Print({name, Ratio(broker_rates, echo_rates), "ratio", false, 0.9});
}

void Memory(const Sides& sides, const std::string& name) {
  std::vector<std::unique_ptr<LockStep>> open;
  const v1::MrqRequest message = Encode(Clk(mrq::ClkCmd::kIsEnabled));
  for (size_t vm = 0; vm < kVms; ++vm) {
    open.push_back(std::make_unique<LockStep>(sides.broker.Channel(vm)));
    if (!open.back()->Ask(message)) Fail("vm " + std::to_string(vm) + ": " + open.back()->error());
    open.push_back(std::make_unique<LockStep>(sides.echo.Channel(vm)));
    if (!open.back()->Ask(message)) Fail("echo: " + open.back()->error());
  }
  const double broker = sides.broker.process().ResidentMiB();
  const double echo = sides.echo.process().ResidentMiB();
  std::fprintf(stderr, "broker %.1f MiB, echo %.1f MiB\n", broker, echo);
  Print({name, Divide(broker, echo), "ratio", true, 1.3});
}

// What a Linux guest with the upstream drivers sends from probe to late init.
std::vector<v1::MrqRequest> LinuxBoot() {
  std::vector<v1::MrqRequest> boot;
  mrq::PingRequest ping;
  ping.challenge = 1;
  mrq::QueryAbiRequest abi;
  abi.mrq = 71;
  boot.push_back(Encode(ping));
  boot.push_back(Encode(abi));
  boot.push_back(Encode(mrq::QueryFwTagRequest{}));
  boot.push_back(Encode(Clk(mrq::ClkCmd::kGetMaxClkId, 0)));
  for (uint32_t id = 0; id <= kMaxClock; ++id) {
    boot.push_back(Encode(Clk(mrq::ClkCmd::kGetAllInfo, id)));
  }
  for (uint32_t id = 1; id <= kMaxClock; ++id) {
    boot.push_back(Encode(Clk(mrq::ClkCmd::kGetRate, id)));
  }
  for (uint32_t id = 0; id <= 36; ++id) {
    mrq::PgRequest pg;
    pg.domain = DomainId(id);
    pg.cmd = mrq::PgCmd::kGetName;
    boot.push_back(Encode(pg));
    pg.cmd = mrq::PgCmd::kGetState;
    boot.push_back(Encode(pg));
  }
  for (uint32_t id = 1; id <= kMaxClock; ++id) {
    boot.push_back(Encode(Clk(mrq::ClkCmd::kIsEnabled, id)));
  }
  return boot;
}

void BootCpu(const Sides& sides, const std::string& name) {
  const std::vector<v1::MrqRequest> boot = LinuxBoot();
  LockStep broker(sides.broker.Channel(1));
  LockStep echo(sides.echo.Channel(1));
  const auto replay = [&](LockStep* stream, const Process& process) {
    const double before = process.CpuSeconds();
    for (const v1::MrqRequest& message : boot) {
      if (!stream->Ask(message)) Fail(stream->error());
    }
    return process.CpuSeconds() - before;
  };
  std::vector<double> broker_cpu;
  std::vector<double> echo_cpu;
  for (int round = 0; round < 41; ++round) {
    const double b = replay(&broker, sides.broker.process());
    const double e = replay(&echo, sides.echo.process());
    if (round == 0) continue;
    broker_cpu.push_back(b);
    echo_cpu.push_back(e);
  }
  std::fprintf(stderr, "per message: broker %.1f us, echo %.1f us\n",
               Median(broker_cpu) / static_cast<double>(boot.size()) * 1e6,
               Median(echo_cpu) / static_cast<double>(boot.size()) * 1e6);
  Print({name, Ratio(broker_cpu, echo_cpu), "ratio", true, 1.3});
}

void Flood(const Sides& sides, const std::string& name) {
  const v1::MrqRequest message = Encode(Clk(mrq::ClkCmd::kIsEnabled));
  LockStep quiet(sides.broker.Channel(2));
  const auto channel = sides.broker.Channel(3);
  // 1 kHz for two seconds.
  const auto listen = [&](std::vector<double>* micros) {
    auto next = std::chrono::steady_clock::now();
    for (int i = 0; i < 2000; ++i) {
      next += std::chrono::milliseconds(1);
      std::this_thread::sleep_until(next);
      if (!quiet.Time(message, 1, micros)) Fail(quiet.error());
    }
  };
  std::vector<double> alone;
  std::vector<double> flooded;
  for (int round = 0; round < 4; ++round) {
    listen(&alone);
    Pump flood(channel, message, 60);
    flood.Start();
    listen(&flooded);
    flood.Stop();
  }
  Print({name, Divide(Quantile(flooded, 0.99), Quantile(alone, 0.99)), "ratio", true, 3});
}

// Name, and how to measure it: prints the figure.
struct Measurement {
  const char* name;
  void (*measure)(const Sides& sides, const std::string& name);
};
constexpr Measurement kFigures[] = {
    // First: what earlier figures left behind in either heap isn't of the sessions.
    {"resident memory with 256 sessions / echo", Memory},
    {"Session round trip p50, IS_ENABLED / echo",
     [](const Sides& sides, const std::string& name) {
       RoundTrips(sides, name, Clk(mrq::ClkCmd::kIsEnabled), 1.15);
     }},
    {"Session round trip p50, second ENABLE / echo",
     [](const Sides& sides, const std::string& name) {
       RoundTrips(sides, name, Clk(mrq::ClkCmd::kEnable), 1.15);
     }},
    {"Session round trip p50, GET_RATE through the worker / echo",
     [](const Sides& sides, const std::string& name) {
       RoundTrips(sides, name, Clk(mrq::ClkCmd::kGetRate), 1.8);
     }},
    {"unary Transfer p50, no edge / echo", UnaryRoundTrips},
    {"throughput of 64 sessions / echo",
     [](const Sides& sides, const std::string& name) { Throughputs(sides, name, 64); }},
    {"throughput of 256 sessions / echo",
     [](const Sides& sides, const std::string& name) { Throughputs(sides, name, 256); }},
    {"CPU time of a replayed Linux boot / echo", BootCpu},
    {"p99 of a quiet VM beside a flood / alone", Flood},
};

void MeasureAll(const std::string& broker, const std::string& echo, const std::string& word) {
  const Bench bench(broker, echo, kVms);
  const Sides sides = {bench.broker(), bench.echo()};
  for (const auto& [name, measure] : kFigures) {
    if (std::string(name).find(word) != std::string::npos) measure(sides, name);
  }
}

}  // namespace
}  // namespace bpmp::bench

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) {
    std::fprintf(stderr, "usage: guest_bench BROKER ECHO-SERVER [WORD]\n");
    return 2;
  }
  return bpmp::bench::Run("guest_bench", [argv, argc] {
    bpmp::bench::MeasureAll(argv[1], argv[2], argc == 4 ? argv[3] : "");
  });
}
