// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/replay.h"

#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"

namespace bpmp::backend::sim {
namespace {

std::string KeyOf(const trace::Transfer& transfer) {
  return absl::StrCat(transfer.mrq, ":", transfer.tx);
}

std::string ResultKeyOf(const trace::Transfer& transfer) {
  const mrq::Response& response = transfer.response;
  return absl::StrCat(static_cast<int>(transfer.status.code()), ":", response.error, ":",
                      transfer.status.message(), ":",
                      std::string(response.data.begin(), response.data.begin() + response.size));
}

}  // namespace

absl::StatusOr<Replay> Replay::Load(trace::Reader* reader) {
  Replay replay;
  while (true) {
    BPMP_ASSIGN_OR_RETURN(const std::optional<trace::Record> record, reader->Next());
    if (!record) break;
    if (const auto* transfer = std::get_if<trace::Transfer>(&*record)) replay.Add(*transfer);
  }
  replay.known_.clear();  // for loading alone
  return replay;
}

void Replay::Add(const trace::Transfer& transfer) {
  const auto [known, is_new] = known_.try_emplace(ResultKeyOf(transfer), nullptr);
  if (is_new) {
    results_.push_back({transfer.status, transfer.response});
    known->second = &results_.back();
  }
  std::vector<Run>& runs = sequences_[KeyOf(transfer)].runs;
  if (runs.empty() || runs.back().result != known->second) runs.push_back({known->second, 0});
  ++runs.back().count;
  ++stats_.left;
}

absl::StatusOr<mrq::Response> Replay::Answer(const mrq::Request& request) {
  const trace::Transfer asked = trace::MakeTransfer(request);
  const auto found = sequences_.find(KeyOf(asked));
  if (found == sequences_.end()) {
    ++stats_.unknown;
    return absl::UnavailableError(
        absl::StrCat("the trace has no answer to ", trace::Describe(asked)));
  }
  Sequence& sequence = found->second;
  const bool over = sequence.next == sequence.runs.size();
  const Run& run = sequence.runs[over ? sequence.next - 1 : sequence.next];
  if (over) {
    ++stats_.repeated;
  } else {
    ++stats_.answered;
    --stats_.left;
    if (++sequence.taken == run.count) {
      ++sequence.next;
      sequence.taken = 0;
    }
  }
  if (!run.result->status.ok()) return run.result->status;
  return run.result->response;
}

}  // namespace bpmp::backend::sim
