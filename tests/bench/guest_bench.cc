// SPDX-License-Identifier: Apache-2.0
// Measures the broker against an empty gRPC echo: same API, client code, transport and message
// sizes, the two sides taken in turn. Prints one figure a line (figures.h).
//
// Which CPUs threads come to share weighs as much as what is measured (CpuEach). So round trips are
// taken with each side on its own CPU, and also, without a target, where the kernel places the
// threads; and everything that is about time is taken of several pairs of servers.
//
//   guest_bench BROKER ECHO-SERVER [WORD]
//
// With WORD, only the figures whose names contain it.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/function_ref.h"
#include "tests/bench/figures.h"
#include "tests/bench/guest_client.h"
#include "tests/bench/linux_boot.h"
#include "tests/bench/sides.h"

namespace bpmp::bench {
namespace {

constexpr int kVms = 256;
constexpr int kPairs = 7;       // of servers
constexpr ClockId kClock(155);  // uarta

mrq::ClkRequest Clk(mrq::ClkCmd cmd) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = kClock;
  return request;
}

// Fails where a side has no figure: a ratio of nothing is none.
double Divide(double broker, double echo) {
  if (!(broker > 0 && echo > 0)) Fail("nothing could be measured; is a server gone?");
  return broker / echo;
}

// The two servers' programs. Each figure starts servers of its own.
struct Programs {
  std::string broker;
  std::string echo;
};

// Asks a side as one of its VMs, one request after the other. How long each took, in microseconds.
using Asker = absl::FunctionRef<std::vector<double>(const Side& side, size_t vm)>;

// The mean of what connections have as their p50: the broker's to the echo's.
double RoundTripRatio(const Programs& programs, Asker ask, bool each_on_its_cpu) {
  constexpr size_t kConnections = 4;  // to each server
  double broker = 0;
  double echo = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    const Bench bench(programs.broker, programs.echo, kVms);
    std::optional<CpuEach> cpu_each;
    if (each_on_its_cpu) cpu_each.emplace(bench);
    const CpusNeverHalt never_halt;
    for (size_t vm = 0; vm < kConnections; ++vm) {
      broker += Median(ask(bench.broker(), vm));
      echo += Median(ask(bench.echo(), vm));
    }
  }
  std::fprintf(stderr, "broker %.1f us, echo %.1f us\n", broker / (kPairs * kConnections),
               echo / (kPairs * kConnections));
  return Divide(broker, echo);
}

void RoundTrips(const Programs& programs, const std::string& name, Asker ask, double target) {
  Print({name, RoundTripRatio(programs, ask, true), "ratio", true, target});
  PrintPart("the same, the kernel placing the threads", RoundTripRatio(programs, ask, false),
            "ratio");
}

constexpr int kRequests = 750;  // of each connection

void SessionRoundTrips(const Programs& programs, const std::string& name,
                       const mrq::Request& request, double target) {
  const v1::MrqRequest message = Encode(request);
  const auto ask = [&](const Side& side, size_t vm) {
    LockStep stream(side.Channel(vm));
    std::vector<double> micros;
    stream.Ask(Encode(Clk(mrq::ClkCmd::kEnable)));
    if (!stream.Time(message, kRequests, &micros)) Fail(stream.error());
    return micros;
  };
  RoundTrips(programs, name, ask, target);
}

void UnaryRoundTrips(const Programs& programs, const std::string& name) {
  v1::TransferRequest request;
  *request.mutable_request() = Encode(Clk(mrq::ClkCmd::kIsEnabled));
  const auto ask = [&](const Side& side, size_t vm) {
    const auto stub = v1::Guest::NewStub(side.Channel(vm));
    std::vector<double> micros;
    for (int i = 0; i < kRequests; ++i) {
      grpc::ClientContext context;
      v1::TransferResponse response;
      const auto begin = std::chrono::steady_clock::now();
      const grpc::Status status = stub->Transfer(&context, request, &response);
      if (!status.ok()) Fail("a unary Transfer failed: " + status.error_message());
      const std::chrono::duration<double, std::micro> took =
          std::chrono::steady_clock::now() - begin;
      micros.push_back(took.count());
    }
    return micros;
  };
  RoundTrips(programs, name, ask, 1.15);
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

void Throughputs(const Programs& programs, const std::string& name, int streams) {
  constexpr int kRounds = 4;
  constexpr std::chrono::milliseconds kRound(200);
  std::vector<double> ratios;  // of two rounds in a row
  for (int pair = 0; pair < kPairs; ++pair) {
    const Bench bench(programs.broker, programs.echo, streams);
    Crowd broker(bench.broker(), streams);
    Crowd echo(bench.echo(), streams);
    broker.Throughput(kRound);  // a warm-up
    echo.Throughput(kRound);
    for (int round = 0; round < kRounds; ++round) {
      const double answers = broker.Throughput(kRound);
      ratios.push_back(Divide(answers, echo.Throughput(kRound)));
      std::fprintf(stderr, "%s: broker %.0f/s\n", name.c_str(), answers);
    }
  }
  Print({name, Median(ratios), "ratio", false, 0.9});
}

void Memory(const Programs& programs, const std::string& name) {
  const Bench bench(programs.broker, programs.echo, kVms);
  std::vector<std::unique_ptr<LockStep>> open;
  const v1::MrqRequest message = Encode(Clk(mrq::ClkCmd::kIsEnabled));
  for (size_t vm = 0; vm < kVms; ++vm) {
    open.push_back(std::make_unique<LockStep>(bench.broker().Channel(vm)));
    if (!open.back()->Ask(message)) Fail("vm " + std::to_string(vm) + ": " + open.back()->error());
    open.push_back(std::make_unique<LockStep>(bench.echo().Channel(vm)));
    if (!open.back()->Ask(message)) Fail("echo: " + open.back()->error());
  }
  const double broker = bench.broker().process().ResidentMiB();
  const double echo = bench.echo().process().ResidentMiB();
  std::fprintf(stderr, "broker %.1f MiB, echo %.1f MiB\n", broker, echo);
  Print({name, Divide(broker, echo), "ratio", true, 1.3});
}

void BootCpu(const Programs& programs, const std::string& name) {
  constexpr size_t kBoots = 6;  // of each pair, each by a VM of its own
  const std::vector<v1::MrqRequest> boot = LinuxBoot();
  const auto replay = [&](const Side& side, size_t vm) {
    LockStep stream(side.Channel(vm));
    if (!stream.Ask(boot.front())) Fail(stream.error());
    const double before = side.process().CpuSeconds();
    for (const v1::MrqRequest& message : boot) {
      if (!stream.Ask(message)) Fail(stream.error());
    }
    return side.process().CpuSeconds() - before;
  };
  double broker = 0;
  double echo = 0;
  for (int pair = 0; pair < kPairs; ++pair) {
    const Bench bench(programs.broker, programs.echo, kVms);
    // What is read once of the firmware is read by the first.
    replay(bench.broker(), kBoots);
    replay(bench.echo(), kBoots);
    for (size_t vm = 0; vm < kBoots; ++vm) {
      broker += replay(bench.broker(), vm);
      echo += replay(bench.echo(), vm);
    }
  }
  const auto messages = static_cast<double>(boot.size() * kBoots * kPairs);
  std::fprintf(stderr, "per message: broker %.1f us, echo %.1f us\n", broker / messages * 1e6,
               echo / messages * 1e6);
  Print({name, Divide(broker, echo), "ratio", true, 1.3});
}

void Flood(const Programs& programs, const std::string& name) {
  const v1::MrqRequest message = Encode(Clk(mrq::ClkCmd::kIsEnabled));
  // 1 kHz for two seconds.
  const auto listen = [&](LockStep* quiet, std::vector<double>* micros) {
    auto next = std::chrono::steady_clock::now();
    for (int i = 0; i < 2000; ++i) {
      next += std::chrono::milliseconds(1);
      std::this_thread::sleep_until(next);
      if (!quiet->Time(message, 1, micros)) Fail(quiet->error());
    }
  };
  std::vector<double> ratios;  // one moment in which the machine is away is in one of them only
  for (int pair = 0; pair < kPairs; ++pair) {
    const Bench bench(programs.broker, programs.echo, kVms);
    const CpuEach cpu_each(bench);
    std::vector<double> alone;
    std::vector<double> flooded;
    LockStep quiet(bench.broker().Channel(0));
    const auto channel = bench.broker().Channel(1);
    listen(&quiet, &alone);
    Pump flood(channel, message, 60);
    flood.Start();
    listen(&quiet, &flooded);
    flood.Stop();
    const double p99_alone = Quantile(alone, 0.99);
    const double p99_flooded = Quantile(flooded, 0.99);
    std::fprintf(stderr, "p99 alone %.0f us, beside a flood %.0f us\n", p99_alone, p99_flooded);
    ratios.push_back(Divide(p99_flooded, p99_alone));
  }
  Print({name, Median(ratios), "ratio", true, 3});
  PrintPart("the same, of the worst of the pairs of servers", Quantile(ratios, 1), "ratio");
}

// Name, and how to measure it: prints the figure.
struct Measurement {
  const char* name;
  void (*measure)(const Programs& programs, const std::string& name);
};
constexpr Measurement kFigures[] = {
    {"resident memory with 256 sessions / echo", Memory},
    {"Session round trip p50, IS_ENABLED / echo",
     [](const Programs& programs, const std::string& name) {
       SessionRoundTrips(programs, name, Clk(mrq::ClkCmd::kIsEnabled), 1.15);
     }},
    {"Session round trip p50, second ENABLE / echo",
     [](const Programs& programs, const std::string& name) {
       SessionRoundTrips(programs, name, Clk(mrq::ClkCmd::kEnable), 1.15);
     }},
    {"Session round trip p50, GET_RATE through the worker / echo",
     [](const Programs& programs, const std::string& name) {
       SessionRoundTrips(programs, name, Clk(mrq::ClkCmd::kGetRate), 1.8);
     }},
    {"unary Transfer p50, no edge / echo", UnaryRoundTrips},
    {"throughput of 64 sessions / echo",
     [](const Programs& programs, const std::string& name) { Throughputs(programs, name, 64); }},
    {"throughput of 256 sessions / echo",
     [](const Programs& programs, const std::string& name) { Throughputs(programs, name, 256); }},
    {"CPU time of a replayed Linux boot / echo", BootCpu},
    {"p99 of a quiet VM beside a flood / alone", Flood},
};

void MeasureAll(const Programs& programs, const std::string& word) {
  for (const auto& [name, measure] : kFigures) {
    if (std::string(name).find(word) != std::string::npos) measure(programs, name);
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
    bpmp::bench::MeasureAll({argv[1], argv[2]}, argc == 4 ? argv[3] : "");
  });
}
