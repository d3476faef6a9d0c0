// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/inventory_reader.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/types/span.h"
#include "broker/base/ids.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

namespace bpmp::backend {
namespace {

mrq::Request Clk(mrq::ClkCmd cmd, ClockId clock = ClockId(0)) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = clock;
  return request;
}

mrq::Request Pg(mrq::PgCmd cmd, DomainId domain = DomainId(0)) {
  mrq::PgRequest request;
  request.cmd = cmd;
  request.domain = domain;
  return request;
}

class Reader {
 public:
  Reader(core::Backend* backend, const Clock& clock, const InventoryReaderOptions& options)
      : backend_(backend),
        clock_(clock),
        options_(options),
        give_up_(clock.Now() + options.total_timeout) {}

  absl::StatusOr<core::Inventory> Run(std::vector<std::string>* notes) {
    BPMP_RETURN_IF_ERROR(ReadTag());
    BPMP_RETURN_IF_ERROR(ReadClocks());
    BPMP_RETURN_IF_ERROR(ReadDomains());
    BPMP_RETURN_IF_ERROR(ReadMaxReset());
    for (std::string& repair : core::Sanitize(&inventory_)) notes_.push_back(std::move(repair));
    if (notes != nullptr) *notes = std::move(notes_);
    return std::move(inventory_);
  }

 private:
  // The firmware's answer, be it an error. Fails when none comes.
  absl::StatusOr<mrq::Response> Ask(const mrq::Request& request) {
    absl::Status last = absl::OkStatus();
    for (int i = 0; i < std::max(1, options_.attempts); ++i) {
      const absl::Time now = clock_.Now();
      if (now >= give_up_) {
        last = absl::DeadlineExceededError("the firmware is too slow to be read out");
        break;
      }
      auto response =
          backend_->Transfer(request, std::min(now + options_.transfer_timeout, give_up_));
      if (response.ok()) return response;
      last = response.status();
    }
    return absl::Status(last.code(), absl::StrCat("reading what the firmware has, at ",
                                                  mrq::Describe(request), ": ", last.message()));
  }

  // A question without whose answer nothing works.
  absl::StatusOr<uint32_t> AskMax(const mrq::Request& request, uint32_t limit) {
    BPMP_ASSIGN_OR_RETURN(const mrq::Response response, Ask(request));
    if (!response.ok()) return Unusable(request, mrq::ErrorName(response.error));
    const auto max = mrq::ReadU32(response);
    if (!max.ok()) return Unusable(request, "a truncated answer");
    if (*max > limit) {
      Note(absl::StrFormat("the firmware's highest id by %s is %d; the broker uses ids up to %d",
                           mrq::Describe(request), *max, limit));
    }
    return std::min(*max, limit);
  }

  static absl::Status Unusable(const mrq::Request& request, std::string_view why) {
    return absl::FailedPreconditionError(
        absl::StrFormat("the firmware answers %s with %s; the broker can't work with it",
                        mrq::Describe(request), ToAbsl(why)));
  }

  void Note(std::string text) { notes_.push_back(std::move(text)); }

  absl::Status ReadTag() {
    BPMP_ASSIGN_OR_RETURN(const mrq::Response response, Ask(mrq::QueryFwTagRequest{}));
    if (response.ok()) {
      inventory_.fw_tag = mrq::ReadFwTag(response);
    } else {
      Note(absl::StrCat("the firmware has no tag: ", ToAbsl(mrq::ErrorName(response.error))));
    }
    return absl::OkStatus();
  }

  absl::Status ReadClocks() {
    BPMP_ASSIGN_OR_RETURN(const uint32_t max,
                          AskMax(Clk(mrq::ClkCmd::kGetMaxClkId), core::kMaxClockId));
    inventory_.clocks.resize(max + 1);
    for (uint32_t id = 0; id <= max; ++id) {
      BPMP_RETURN_IF_ERROR(ReadClock(ClockId(id), &inventory_.clocks[id]));
    }
    return absl::OkStatus();
  }

  absl::Status ReadClock(ClockId id, core::ClockInfo* clock) {
    BPMP_ASSIGN_OR_RETURN(const mrq::Response response, Ask(Clk(mrq::ClkCmd::kGetAllInfo, id)));
    if (!response.ok()) return absl::OkStatus();  // a hole
    const auto info = mrq::ReadClkInfo(response);
    if (!info.ok()) {
      Note(absl::StrFormat("clock %d is ignored: %s", id.value(), info.status().message()));
      return absl::OkStatus();
    }
    clock->name = info->name.data();
    if (!clock->exists()) return absl::OkStatus();
    clock->flags = info->flags;
    const auto candidates = absl::MakeConstSpan(info->parents).first(info->num_parents);
    clock->parents.assign(candidates.begin(), candidates.end());
    if ((info->flags & mrq::clk_flag::kIsRoot) == 0) clock->parent = info->parent;
    BPMP_ASSIGN_OR_RETURN(const mrq::Response rate, Ask(Clk(mrq::ClkCmd::kGetRate, id)));
    const auto hz = mrq::ReadRate(rate);
    if (rate.ok() && hz.ok()) {
      clock->rate_hz = *hz;
    } else {
      Note(absl::StrFormat("clock %s doesn't tell its rate; 0 is assumed", clock->name));
    }
    return ReadState(Clk(mrq::ClkCmd::kIsEnabled, id), absl::StrCat("clock ", clock->name),
                     &clock->found_on);
  }

  absl::Status ReadDomains() {
    BPMP_ASSIGN_OR_RETURN(const uint32_t max,
                          AskMax(Pg(mrq::PgCmd::kGetMaxId), core::kMaxDomainId));
    inventory_.domains.resize(max + 1);
    for (uint32_t id = 0; id <= max; ++id) {
      core::DomainInfo* domain = &inventory_.domains[id];
      BPMP_ASSIGN_OR_RETURN(const mrq::Response name, Ask(Pg(mrq::PgCmd::kGetName, DomainId(id))));
      if (!name.ok()) continue;  // a hole
      domain->name = mrq::ReadName(name);
      if (!domain->exists()) continue;
      BPMP_RETURN_IF_ERROR(ReadState(Pg(mrq::PgCmd::kGetState, DomainId(id)),
                                     absl::StrCat("power domain ", domain->name),
                                     &domain->found_on));
    }
    return absl::OkStatus();
  }

  // Whether something is on. In doubt it is: then the host holds it, and it stays as it is.
  absl::Status ReadState(const mrq::Request& request, const std::string& what, bool* on) {
    BPMP_ASSIGN_OR_RETURN(const mrq::Response response, Ask(request));
    const auto state = mrq::ReadU32(response);
    *on = true;
    if (response.ok() && state.ok()) {
      *on = *state != 0;
    } else {
      Note(absl::StrCat(what, " doesn't tell whether it is on; it is kept as it is"));
    }
    return absl::OkStatus();
  }

  absl::Status ReadMaxReset() {
    mrq::ResetRequest request;
    request.cmd = mrq::ResetCmd::kGetMaxId;
    BPMP_ASSIGN_OR_RETURN(const mrq::Response response, Ask(request));
    const auto max = mrq::ReadU32(response);
    const bool known = response.ok() && max.ok();
    inventory_.max_reset_id =
        std::min(known ? *max : options_.default_max_reset_id, core::kMaxResetId);
    if (!known) {
      Note(absl::StrFormat("the firmware doesn't tell its highest reset id; %d is assumed",
                           inventory_.max_reset_id));
    }
    return absl::OkStatus();
  }

  core::Backend* const backend_;
  const Clock& clock_;
  const InventoryReaderOptions options_;
  const absl::Time give_up_;
  core::Inventory inventory_;
  std::vector<std::string> notes_;
};

}  // namespace

absl::StatusOr<core::Inventory> ReadInventory(core::Backend* backend, const Clock& clock,
                                              const InventoryReaderOptions& options,
                                              std::vector<std::string>* notes) {
  return Reader(backend, clock, options).Run(notes);
}

}  // namespace bpmp::backend
