// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/trace_view.h"

#include <algorithm>
#include <optional>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/ctl/answer.h"
#include "broker/ctl/words.h"
#include "broker/mrq/codec.h"

namespace bpmp::ctl {
namespace {

constexpr size_t kVmWidth = 10;
constexpr size_t kTookWidth = 9;
constexpr size_t kNumberWidth = 6;

std::string Padded(std::string text, size_t width) {
  const size_t own = DisplayWidth(text);
  text.append(width > own ? width - own : 0, ' ');
  return text;
}

std::optional<mrq::Request> Typed(const trace::Transfer& transfer) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(transfer.tx.data());
  auto request = mrq::DecodeRequest(transfer.mrq, {bytes, transfer.tx.size()});
  return request.ok() ? std::optional(*std::move(request)) : std::nullopt;
}

v1::MrqResponse ToMessage(const mrq::Response& response) {
  v1::MrqResponse message;
  message.set_error(response.error);
  message.set_rx(response.data.data(), response.size);
  return message;
}

void SetTime(absl::Time time, google::protobuf::Timestamp* to) {
  const int64_t seconds = absl::ToUnixSeconds(time);
  to->set_seconds(seconds);
  to->set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
}

std::string TransportText(const absl::Status& status) {
  return absl::StrCat(absl::IsDeadlineExceeded(status) ? "lost: " : "failed: ",
                      Printable(std::string(status.message())));
}

// Where a VM would be told of itself, and what takes more than a line: as it is between the broker
// and the firmware.
std::optional<std::string> OwnWords(const mrq::Request& request, const mrq::Response& response,
                                    Names& names) {
  const auto* clk = std::get_if<mrq::ClkRequest>(&request);
  const auto* pg = std::get_if<mrq::PgRequest>(&request);
  if ((clk != nullptr && clk->cmd == mrq::ClkCmd::kIsEnabled) ||
      (pg != nullptr && pg->cmd == mrq::PgCmd::kGetState)) {
    const auto on = mrq::ReadU32(response);
    if (on.ok()) return *on != 0 ? "ok: on" : "ok: off";
  }
  if (clk == nullptr || clk->cmd != mrq::ClkCmd::kGetAllInfo) return std::nullopt;
  const auto info = mrq::ReadClkInfo(response);
  if (!info.ok()) return std::nullopt;
  std::string text = absl::StrCat("ok: ", Printable(info->name.data()),
                                  absl::StrFormat(", flags 0x%x", info->flags));
  if ((info->flags & mrq::clk_flag::kIsRoot) != 0) return text + ", a root";
  const std::string parent = names.Name(v1::RESOURCE_KIND_CLOCK, info->parent.value());
  return absl::StrCat(text, ", parent ", info->parent.value(),
                      parent.empty() ? "" : absl::StrCat(" (", parent, ")"), " of ",
                      info->num_parents);
}

const char* EndingWords(v1::TraceSummary::Ending ending) {
  switch (ending) {
    case v1::TraceSummary::STOPPED:
      return "the broker stopped";
    case v1::TraceSummary::FULL:
      return "the file reached its limit; what followed isn't in it";
    default:
      return "it just ends: the broker was killed, or runs still";
  }
}

}  // namespace

void TraceNames::Learn(const trace::Transfer& transfer) {
  if (!IsFine(transfer)) return;
  const auto request = Typed(transfer);
  if (!request) return;
  if (const auto* clk = std::get_if<mrq::ClkRequest>(&*request);
      clk != nullptr && clk->cmd == mrq::ClkCmd::kGetAllInfo) {
    const auto info = mrq::ReadClkInfo(transfer.response);
    if (info.ok()) names_[{v1::RESOURCE_KIND_CLOCK, clk->clock.value()}] = info->name.data();
  }
  if (const auto* pg = std::get_if<mrq::PgRequest>(&*request);
      pg != nullptr && pg->cmd == mrq::PgCmd::kGetName) {
    names_[{v1::RESOURCE_KIND_POWER_DOMAIN, pg->domain.value()}] = mrq::ReadName(transfer.response);
  }
}

absl::StatusOr<uint32_t> TraceNames::Id(v1::ResourceKind kind, std::string_view name) {
  for (const auto& [key, known] : names_) {
    if (key.first == kind && known == name) return key.second;
  }
  return absl::NotFoundError(absl::StrCat("the trace has no ", KindWord(kind), " ", ToAbsl(name)));
}

std::string TraceNames::Name(v1::ResourceKind kind, uint32_t id) {
  const auto found = names_.find({kind, id});
  return found == names_.end() ? "" : Printable(found->second);
}

std::string RequestText(const trace::Transfer& transfer, Names& names) {
  const auto request = Typed(transfer);
  std::string name;
  if (request) {
    if (const auto* clk = std::get_if<mrq::ClkRequest>(&*request)) {
      name = names.Name(v1::RESOURCE_KIND_CLOCK, clk->clock.value());
    } else if (const auto* pg = std::get_if<mrq::PgRequest>(&*request)) {
      name = names.Name(v1::RESOURCE_KIND_POWER_DOMAIN, pg->domain.value());
    }
  }
  return absl::StrCat(trace::Describe(transfer), name.empty() ? "" : absl::StrCat(" (", name, ")"));
}

std::string AnswerText(const trace::Transfer& transfer, Names& names) {
  if (!transfer.status.ok()) return TransportText(transfer.status);
  if (const int32_t error = transfer.response.error; error != 0) {
    // Without the meaning that it has for a VM: this is the firmware's, or the host proxy's.
    return absl::StrCat("refused: ", ToAbsl(mrq::ErrorName(error)), " (", error, ")");
  }
  ParsedRequest request;
  request.typed = Typed(transfer);
  if (request.typed) {
    if (auto text = OwnWords(*request.typed, transfer.response, names)) return *std::move(text);
  }
  return AnswerText(request, ToMessage(transfer.response), names);
}

absl::StatusOr<bool> TraceWalk::Next(trace::Transfer* transfer, v1::TraceTransfer* message) {
  const uint64_t missing_before = reader_->dropped();
  while (true) {
    BPMP_ASSIGN_OR_RETURN(std::optional<trace::Record> record, reader_->Next());
    if (!record) return false;
    if (auto* found = std::get_if<trace::Transfer>(&*record)) {
      *transfer = std::move(*found);
      break;
    }
  }
  names_.Learn(*transfer);
  length_ = std::max(length_, transfer->at + transfer->took);
  message->Clear();
  message->set_number(++number_);
  SetTime(reader_->start().wall + transfer->at, message->mutable_time());
  message->set_at_ns(static_cast<uint64_t>(absl::ToInt64Nanoseconds(transfer->at)));
  message->set_took_ns(static_cast<uint64_t>(absl::ToInt64Nanoseconds(transfer->took)));
  message->set_vm(Printable(reader_->NameOf(transfer->vm)));
  message->mutable_request()->set_mrq(transfer->mrq);
  message->mutable_request()->set_tx(transfer->tx);
  message->set_request_text(RequestText(*transfer, names_));
  message->set_answer_text(AnswerText(*transfer, names_));
  message->set_missing_before(reader_->dropped() - missing_before);
  if (transfer->status.ok()) {
    *message->mutable_response() = ToMessage(transfer->response);
  } else {
    message->set_transport_error(Printable(transfer->status.ToString()));
  }
  return true;
}

v1::TraceSummary TraceWalk::Summary() const {
  v1::TraceSummary summary;
  summary.set_broker(Printable(reader_->start().broker));
  summary.set_backend(Printable(reader_->start().backend));
  SetTime(reader_->start().wall, summary.mutable_start());
  summary.set_length_ns(static_cast<uint64_t>(absl::ToInt64Nanoseconds(length_)));
  summary.set_bytes(reader_->bytes());
  summary.set_transfers(number_);
  summary.set_missing(reader_->dropped());
  summary.set_ending(!reader_->end()                                    ? v1::TraceSummary::CUT_OFF
                     : reader_->end()->why == trace::End::Why::kStopped ? v1::TraceSummary::STOPPED
                                                                        : v1::TraceSummary::FULL);
  return summary;
}

std::string TraceLine(const v1::TraceTransfer& transfer, const Style& style) {
  const bool fine = transfer.transport_error().empty() && transfer.response().error() == 0;
  const std::string gap =
      transfer.missing_before() == 0
          ? ""
          : Paint(absl::StrCat("(", transfer.missing_before(), " transfers are missing)"),
                  Tone::kWarn, style) +
                "\n";
  return absl::StrCat(
      gap,
      Paint(absl::StrFormat("%13.6f", static_cast<double>(transfer.at_ns()) / 1e9), Tone::kDim,
            style),
      "  ", Paint(Padded(absl::StrCat("#", transfer.number()), kNumberWidth), Tone::kDim, style),
      "  ", Padded(transfer.vm(), kVmWidth), "  ",
      Padded(FormatTook(transfer.took_ns()), kTookWidth), "  ", transfer.request_text(), "  ",
      Paint(transfer.answer_text(), fine ? Tone::kDim : Tone::kBad, style), "\n");
}

std::string TraceHead(const v1::TraceSummary& summary, absl::TimeZone zone, const Style& style) {
  const absl::Time start =
      absl::FromUnixSeconds(summary.start().seconds()) + absl::Nanoseconds(summary.start().nanos());
  return Paint(absl::StrCat("recorded by bpmp-broker ", summary.broker(), " on backend ",
                            summary.backend(), ", from ",
                            absl::FormatTime("%Y-%m-%d %H:%M:%E3S", start, zone)),
               Tone::kTitle, style) +
         "\n";
}

std::string TraceFoot(const v1::TraceSummary& summary, const Style& style) {
  const bool whole = summary.ending() == v1::TraceSummary::STOPPED && summary.missing() == 0;
  return Paint(
             absl::StrCat(summary.transfers(), " transfers in ", FormatTook(summary.length_ns()),
                          ", ", summary.missing(), " are missing; ", EndingWords(summary.ending())),
             whole ? Tone::kDim : Tone::kWarn, style) +
         "\n";
}

std::string FormatTook(uint64_t ns) {
  constexpr struct {
    double size;
    const char* name;
  } kUnits[] = {{1e9, "s"}, {1e6, "ms"}, {1e3, "us"}};
  for (const auto& unit : kUnits) {
    const double value = static_cast<double>(ns) / unit.size;
    if (value >= 1) return absl::StrFormat("%.*f %s", value < 100 ? 2 : 0, value, unit.name);
  }
  return absl::StrCat(ns, " ns");
}

}  // namespace bpmp::ctl
