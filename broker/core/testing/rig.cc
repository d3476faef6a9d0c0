// SPDX-License-Identifier: Apache-2.0
#include "broker/core/testing/rig.h"

#include <algorithm>
#include <utility>

#include "broker/core/testing/requests.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

// No chain of edges in a test is longer.
constexpr int kMaxTransfers = 20'000;

}  // namespace

size_t Recorder::Count(EventKind kind) const {
  return static_cast<size_t>(std::count_if(events.begin(), events.end(),
                                           [kind](const Event& e) { return e.kind == kind; }));
}

Rig::Rig(Board board, Options options, bool run)
    : board_(std::move(board)), firmware_(board_.inventory), backend_(&firmware_) {
  core_ = std::make_unique<Core>(board_.inventory, board_.profile, CompileOrDie(board_), &observer_,
                                 options);
  Effects effects;
  core_->Start(&effects);
  Take(std::move(effects));
  if (!run) return;
  RunAll();
  backend_.ClearLog();
}

Ticket Rig::Ask(VmId vm, const mrq::Request& request, std::optional<int64_t> max_rate_hz) {
  const Ticket ticket(++last_ticket_);
  const core::Call call{vm, ticket, request, max_rate_hz};
  Effects effects;
  Exchange exchange;
  exchange.vm = vm;
  exchange.request = request;
  const Decision decision = core_->Decide(call, &effects);
  exchange.kind = decision.kind;
  if (decision.kind == Decision::Kind::kReply) {
    exchange.answer = decision.response;
    exchange.reason = decision.reason;
  }
  exchanges_.emplace(ticket, std::move(exchange));
  Take(std::move(effects));
  return ticket;
}

mrq::Response Rig::Call(VmId vm, const mrq::Request& request) {
  const Ticket ticket = Ask(vm, request);
  RunAll();
  if (!Answered(ticket)) {
    ADD_FAILURE() << "no answer to " << mrq::Describe(request);
    return {};
  }
  return *Of(ticket).answer;
}

void Rig::Take(Effects effects) {
  for (const Transfer& transfer : effects.transfers) backend_.Start(transfer);
  for (Reply& reply : effects.replies) {
    const auto found = exchanges_.find(reply.ticket);
    if (found == exchanges_.end()) {
      ADD_FAILURE() << "answer to ticket " << reply.ticket.value() << ", which nobody holds";
      continue;
    }
    if (found->second.answer.has_value()) {
      ADD_FAILURE() << "second answer to " << mrq::Describe(found->second.request);
    }
    found->second.answer = reply.response;
    found->second.reason = reply.reason;
  }
}

void Rig::End(Fate fate, mrq::Error error, size_t index) {
  if (index >= in_flight()) {
    ADD_FAILURE() << "nothing in flight";
    return;
  }
  const TransferId id = backend_.in_flight()[index].id;
  const Outcome outcome = backend_.End(index, fate, error);
  Effects effects;
  core_->Complete(id, outcome, &effects);
  Take(std::move(effects));
}

void Rig::EndWith(const mrq::Response& response) {
  ASSERT_GT(in_flight(), 0u);
  Outcome outcome;
  outcome.response = response;
  Effects effects;
  core_->Complete(backend_.Take().id, outcome, &effects);
  Take(std::move(effects));
}

void Rig::RunAll() {
  for (int i = 0; in_flight() > 0; ++i) {
    if (i == kMaxTransfers) {
      ADD_FAILURE() << "the core never comes to rest; now in flight: " << Flying();
      return;
    }
    End();
  }
}

void Rig::RunUntil(const std::string& flying) {
  for (int i = 0; i < kMaxTransfers && in_flight() > 0 && Flying() != flying; ++i) End();
  EXPECT_EQ(Flying(), flying);
}

void Rig::RunToRest() {
  for (int i = 0; i < kMaxTransfers; ++i) {
    if (in_flight() > 0) {
      End();
    } else if (core_->NeedsMaintenance()) {
      Maintain();
    } else {
      return;
    }
  }
  EXPECT_EQ(in_flight(), 0u) << "the core never comes to rest; now in flight: " << Flying();
}

void Rig::Expire(Ticket ticket) {
  Effects effects;
  core_->Expire(ticket, &effects);
  Take(std::move(effects));
}

uint32_t Rig::Release(VmId vm) {
  Effects effects;
  const uint32_t epoch = core_->Release(vm, &effects);
  Take(std::move(effects));
  return epoch;
}

void Rig::Released(VmId vm) {
  Release(vm);
  RunAll();
  EXPECT_FALSE(core_->IsReleasing(vm)) << core_->NameOf(vm);
}

void Rig::Maintain() {
  Effects effects;
  core_->Maintain(&effects);
  Take(std::move(effects));
}

void Rig::Overdue(size_t index) {
  Effects effects;
  core_->Overdue(backend_.in_flight()[index].id, &effects);
  Take(std::move(effects));
}

absl::Status Rig::Install(const PolicySpec& spec, Core::Unallowed unallowed) {
  absl::StatusOr<Policy> policy = Compile(spec, board_.profile, board_.inventory, nullptr);
  if (!policy.ok()) return policy.status();
  Effects effects;
  absl::Status status = core_->Install(*std::move(policy), &effects, unallowed);
  Take(std::move(effects));
  return status;
}

absl::Status Rig::ClearQuarantine(Resource resource) {
  Effects effects;
  absl::Status status = core_->ClearQuarantine(resource, &effects);
  Take(std::move(effects));
  return status;
}

std::string Rig::Flying(size_t index) const {
  return index < in_flight() ? mrq::Describe(backend_.in_flight()[index].request) : "nothing";
}

std::vector<std::string> Rig::Log() const {
  std::vector<std::string> lines;
  for (const Transfer& transfer : backend_.log()) lines.push_back(mrq::Describe(transfer.request));
  return lines;
}

std::vector<std::string> Rig::Edges() const {
  std::vector<std::string> lines;
  for (const Transfer& transfer : backend_.log()) {
    if (Mutates(transfer.request)) lines.push_back(mrq::Describe(transfer.request));
  }
  return lines;
}

bool Rig::Votes(VmId vm, ClockId clock) {
  const mrq::Response answer = Call(vm, IsEnabled(clock));
  return answer.ok() && mrq::ReadU32(answer).value_or(0) != 0;
}

bool Rig::Votes(VmId vm, DomainId domain) {
  const mrq::Response answer = Call(vm, PowerState(domain));
  return answer.ok() && mrq::ReadU32(answer).value_or(0) != 0;
}

std::vector<Ticket> Rig::Waiting() const {
  std::vector<Ticket> tickets;
  for (const auto& [ticket, exchange] : exchanges_) {
    if (!exchange.answer.has_value()) tickets.push_back(ticket);
  }
  std::sort(tickets.begin(), tickets.end());
  return tickets;
}

void Rig::Forget() {
  absl::erase_if(exchanges_, [](const auto& entry) { return entry.second.answer.has_value(); });
}

}  // namespace bpmp::core::testing
