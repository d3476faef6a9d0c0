// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_TESTING_RIG_H_
#define BROKER_CORE_TESTING_RIG_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/base/ids.h"
#include "broker/core/core.h"
#include "broker/core/event.h"
#include "broker/core/testing/board.h"
#include "broker/core/testing/fake_backend.h"
#include "broker/core/testing/firmware.h"
#include "broker/mrq/types.h"

namespace bpmp::core::testing {

// What was asked and what came of it.
struct Exchange {
  VmId vm;
  mrq::Request request;
  Decision::Kind kind = Decision::Kind::kReply;
  std::optional<mrq::Response> answer;
  Reason reason = Reason::kNone;
};

// Keeps what the core told its observer.
class Recorder final : public Observer {
 public:
  void OnChange(const Change& change) override {
    if (keep_) changes.push_back(change);
  }
  void OnEvent(const Event& event) override {
    if (keep_) events.push_back(event);
  }
  size_t Count(EventKind kind) const;
  void Keep(bool keep) { keep_ = keep; }

  std::vector<Change> changes;
  std::vector<Event> events;

 private:
  bool keep_ = true;
};

// A core on the board, with the backend under the test's hand. Fails the test when a ticket is
// answered twice, or one that nobody holds.
class Rig {
 public:
  using Fate = FakeBackend::Fate;

  // `run`: what the start asks for is performed.
  explicit Rig(Board board = MakeBoard(), Options options = {}, bool run = true);

  Core& core() { return *core_; }
  Firmware& firmware() { return firmware_; }
  FakeBackend& backend() { return backend_; }
  Recorder& observer() { return observer_; }
  const Recorder& observer() const { return observer_; }

  // --- Asking ---

  Ticket Ask(VmId vm, const mrq::Request& request) { return Ask(vm, request, std::nullopt); }
  // `max_rate_hz`: as of core::Call.
  Ticket Ask(VmId vm, const mrq::Request& request, std::optional<int64_t> max_rate_hz);
  // Asks, performs every transfer and returns the answer, which must have come.
  mrq::Response Call(VmId vm, const mrq::Request& request);
  // The same for its error alone.
  int32_t Error(VmId vm, const mrq::Request& request) { return Call(vm, request).error; }

  bool Answered(Ticket ticket) const { return exchanges_.at(ticket).answer.has_value(); }
  const Exchange& Of(Ticket ticket) const { return exchanges_.at(ticket); }
  // REQUIRES: answered.
  int32_t ErrorOf(Ticket ticket) const { return exchanges_.at(ticket).answer->error; }

  // --- What happens ---

  // Ends the oldest transfer in flight, or the one at `index`.
  void End(Fate fate = Fate::kPerformed, mrq::Error error = mrq::Error::kIo, size_t index = 0);
  // Ends the oldest as if the firmware had answered this.
  void EndWith(const mrq::Response& response);
  // Performs transfers until none is in flight.
  void RunAll();
  // Performs transfers until one is in flight of which Flying() is this.
  void RunUntil(const std::string& flying);
  // Maintenance as well, for as long as it is needed, within bounds.
  void RunToRest();
  void Expire(Ticket ticket);
  // Starts a release; Released() also runs it to its end.
  uint32_t Release(VmId vm);
  void Released(VmId vm);
  void Maintain();
  void Overdue(size_t index = 0);
  absl::Status Install(const PolicySpec& spec, Core::Unallowed unallowed = Core::Unallowed::kKeep);
  absl::Status ClearQuarantine(Resource resource);

  // --- Looking ---

  size_t in_flight() const { return backend_.in_flight().size(); }
  // What is in flight or, from the log, what was: "CLK ENABLE clock 8".
  std::string Flying(size_t index = 0) const;
  std::vector<std::string> Log() const;
  // Mutating requests of the log only: edges, not reads.
  std::vector<std::string> Edges() const;
  template <typename Id>
  ResourceStatus Status(Id id) const {
    return *core_->Status(Resource::Of(id));
  }
  template <typename Id>
  std::vector<VmId> Holders(Id id) const {
    return Status(id).holders;
  }
  // Its own vote, as IS_ENABLED and GET_STATE say.
  bool Votes(VmId vm, ClockId clock);
  bool Votes(VmId vm, DomainId domain);
  std::vector<Ticket> Waiting() const;

  // For long runs: forgets exchanges that are answered.
  void Forget();

 private:
  void Take(Effects effects);

  const Board board_;
  Firmware firmware_;
  FakeBackend backend_;
  Recorder observer_;
  std::unique_ptr<Core> core_;
  uint64_t last_ticket_ = 0;
  absl::flat_hash_map<Ticket, Exchange> exchanges_;
};

}  // namespace bpmp::core::testing

#endif  // BROKER_CORE_TESTING_RIG_H_
