// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_AUDIT_H_
#define BROKER_DAEMON_AUDIT_H_

#include <spdlog/common.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/time/time.h"
#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/core/event.h"
#include "broker/service/event_log.h"
#include "broker/service/event_text.h"

namespace bpmp::daemon {

// How the log treats an event.
struct AuditRule {
  spdlog::level::level_enum level = spdlog::level::debug;
  bool fold = false;  // equal ones within a while become one line
};
// By what the event means to an operator. Denials that are known to do a guest no harm (it asked
// for a rate that it may not set, probed an MRQ that no VM has) are for debugging only: the metrics
// count them, and a guest that boots would fill the log with them.
AuditRule RuleFor(const service::EventLog::Record& record);

// Writes one line for each decision that somebody may ask about later: who, what, what came of it
// and why. Equal ones, by VM, request and reason, are folded: the first is written at once; the
// others are counted and summed up in one line a window, for as long as they go on. A guest that
// asks without end thus costs one line a window. Bounded in memory. Not thread-safe.
class AuditFolder {
 public:
  using Sink = std::function<void(spdlog::level::level_enum level, const std::string& line)>;

  // `clock` is not owned. A window of zero folds nothing.
  AuditFolder(const Clock* clock, absl::Duration window, Sink sink)
      : clock_(clock), window_(window), sink_(std::move(sink)) {}

  // `shown` is the record for people.
  void Add(const service::EventLog::Record& record, const service::RenderedEvent& shown);
  // Sums up the windows that have ended; `all`: also those that haven't.
  void Flush(bool all = false);
  // When the next window ends; InfiniteFuture when none is open.
  absl::Time NextDue() const;

 private:
  // VM, kind of event, MRQ, command, reason.
  using Key = std::tuple<VmId, std::string_view, uint32_t, uint32_t, core::Reason>;
  struct Window {
    absl::Time ends;
    spdlog::level::level_enum level = spdlog::level::info;
    std::string text;                 // of the one that was written
    std::string resource;             // what that one was about
    uint64_t more = 0;                // since then
    std::vector<std::string> others;  // a few other resources that those were about
  };

  void SumUp(const Window& window) const;

  const Clock* const clock_;
  const absl::Duration window_;
  const Sink sink_;
  absl::flat_hash_map<Key, Window> windows_;
};

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_AUDIT_H_
