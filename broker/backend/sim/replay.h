// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_REPLAY_H_
#define BROKER_BACKEND_SIM_REPLAY_H_

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "broker/mrq/types.h"
#include "broker/trace/reader.h"
#include "broker/trace/record.h"

namespace bpmp::backend::sim {

// The answers of a trace, by request: the n-th time that a request is made it is answered as it was
// the n-th time in the trace, whoever asks and whatever is asked in between. Asked more often than
// that, it is answered as the last time. What the trace never asked has no answer
// (docs/adr/2026-11-29-what-a-replay-answers.md). A request is its bytes.
//
// Not thread-safe.
class Replay {
 public:
  // Reads the trace to its end; the error is the reader's.
  static absl::StatusOr<Replay> Load(trace::Reader* reader);

  // The firmware's answer or the transport's error, as the trace has it. Unavailable, with the
  // request, where the trace has none.
  absl::StatusOr<mrq::Response> Answer(const mrq::Request& request);

  struct Stats {
    uint64_t answered = 0;  // in the trace's order
    uint64_t repeated = 0;  // the last answer once more
    uint64_t unknown = 0;   // never in the trace
    uint64_t left = 0;      // of the trace's answers, not asked for yet
    friend bool operator==(const Stats&, const Stats&) = default;
  };
  const Stats& stats() const { return stats_; }

 private:
  struct Result {
    absl::Status status;
    mrq::Response response;
  };
  // So many times in a row.
  struct Run {
    const Result* result = nullptr;
    uint64_t count = 0;
  };
  struct Sequence {
    std::vector<Run> runs;
    size_t next = 0;
    uint64_t taken = 0;  // of the run at `next`
  };

  void Add(const trace::Transfer& transfer);

  // A firmware has few different answers: each is here once.
  std::deque<Result> results_;
  absl::flat_hash_map<std::string, const Result*> known_;
  absl::flat_hash_map<std::string, Sequence> sequences_;  // by the request's bytes
  Stats stats_;
};

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_REPLAY_H_
