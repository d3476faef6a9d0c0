// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/answer.h"

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "broker/base/status_macros.h"
#include "broker/ctl/style.h"
#include "broker/ctl/units.h"
#include "broker/ctl/words.h"
#include "broker/mrq/codec.h"

namespace bpmp::ctl {
namespace {

using Text = absl::StatusOr<std::string>;

// Says what an answer means, by the request that it answers. Empty: success is all there is to say.
struct Reader {
  const mrq::Response& response;
  Names& names;

  Text Number(const char* before = "") const {
    BPMP_ASSIGN_OR_RETURN(const uint32_t number, mrq::ReadU32(response));
    return absl::StrCat(before, number);
  }

  Text Rate() const {
    BPMP_ASSIGN_OR_RETURN(const int64_t hz, mrq::ReadRate(response));
    return FormatExactRate(hz);
  }

  std::string Clock(ClockId id) const {
    const std::string name = names.Name(v1::RESOURCE_KIND_CLOCK, id.value());
    return name.empty() ? absl::StrCat("clock ", id.value())
                        : absl::StrCat(name, " (", id.value(), ")");
  }

  Text Millidegrees() const {
    BPMP_ASSIGN_OR_RETURN(const uint32_t raw, mrq::ReadU32(response));
    return absl::StrFormat("%.1f degrees C", static_cast<int32_t>(raw) / 1000.0);
  }

  Text Info() const {
    BPMP_ASSIGN_OR_RETURN(const mrq::ClkInfo info, mrq::ReadClkInfo(response));
    std::vector<std::string> parents;
    for (size_t i = 0; i < info.num_parents; ++i) {
      parents.push_back(Clock(info.parents[i]));
    }
    const bool root = (info.flags & mrq::clk_flag::kIsRoot) != 0;
    return absl::StrCat(
        info.name[0] == '\0' ? "(no name: not shown to this VM)" : Printable(info.name.data()),
        "\n  flags    ", absl::StrFormat("0x%08x", info.flags),
        (info.flags & mrq::clk_flag::kStateChangeDenied) != 0
            ? ", the VM may change nothing"
            : ((info.flags & mrq::clk_flag::kRateParentChangeDenied) != 0
                   ? ", the VM may not change rate or parent"
                   : ""),
        "\n  parent   ", root ? "none" : Clock(info.parent),
        parents.empty() ? "" : absl::StrCat("\n  parents  ", absl::StrJoin(parents, ", ")));
  }

  Text operator()(const mrq::PingRequest& request) const {
    BPMP_ASSIGN_OR_RETURN(const uint32_t reply, mrq::ReadU32(response));
    return absl::StrCat(reply, reply == request.challenge << 1 ? ", twice the challenge as it must"
                                                               : ", which is wrong");
  }
  Text operator()(const mrq::QueryAbiRequest&) const {
    BPMP_ASSIGN_OR_RETURN(const uint32_t raw, mrq::ReadU32(response));
    const auto status = static_cast<int32_t>(raw);
    return status == 0 ? std::string("supported") : "not supported: " + ErrorWords(status);
  }
  Text operator()(const mrq::QueryFwTagRequest&) const {
    return Printable(mrq::ReadFwTag(response));
  }

  Text operator()(const mrq::ClkRequest& request) const {
    switch (request.cmd) {
      case mrq::ClkCmd::kGetRate:
      case mrq::ClkCmd::kSetRate:
      case mrq::ClkCmd::kRoundRate:
      case mrq::ClkCmd::kGetFmaxAtVmin:
        return Rate();
      case mrq::ClkCmd::kGetParent:
      case mrq::ClkCmd::kSetParent: {
        BPMP_ASSIGN_OR_RETURN(const uint32_t parent, mrq::ReadU32(response));
        return Clock(ClockId(parent));
      }
      case mrq::ClkCmd::kIsEnabled: {
        BPMP_ASSIGN_OR_RETURN(const uint32_t enabled, mrq::ReadU32(response));
        return std::string(enabled != 0 ? "enabled by this VM" : "not enabled by this VM");
      }
      case mrq::ClkCmd::kGetMaxClkId:
        return Number("highest id ");
      case mrq::ClkCmd::kGetAllInfo:
        return Info();
      case mrq::ClkCmd::kEnable:
      case mrq::ClkCmd::kDisable:
        return std::string();
    }
    return std::string();
  }

  Text operator()(const mrq::ResetRequest& request) const {
    return request.cmd == mrq::ResetCmd::kGetMaxId ? Number("highest id ") : Text(std::string());
  }

  Text operator()(const mrq::PgRequest& request) const {
    if (request.cmd == mrq::PgCmd::kGetState) {
      BPMP_ASSIGN_OR_RETURN(const uint32_t state, mrq::ReadU32(response));
      return std::string(state != 0 ? "on for this VM" : "off for this VM");
    }
    if (request.cmd == mrq::PgCmd::kGetName) {
      return Printable(mrq::ReadName(response));
    }
    return request.cmd == mrq::PgCmd::kGetMaxId ? Number("highest id ") : Text(std::string());
  }

  Text operator()(const mrq::ThermalRequest& request) const {
    if (request.cmd == mrq::ThermalCmd::kGetNumZones) {
      return Number();
    }
    return request.cmd == mrq::ThermalCmd::kQueryAbi ? Text(std::string()) : Millidegrees();
  }

  // Answers for which bytes say it best.
  Text Bytes() const {
    const std::string hex = absl::BytesToHexString(
        std::string(response.data.begin(), response.data.begin() + response.size));
    return hex.empty() ? hex : "hex:" + hex;
  }
  Text operator()(const mrq::EmcDvfsLatencyRequest&) const {
    BPMP_ASSIGN_OR_RETURN(const mrq::EmcLatency table, mrq::ReadEmcLatency(response));
    std::vector<std::string> pairs;
    for (uint32_t i = 0; i < table.count; ++i) {
      pairs.push_back(
          absl::StrCat(table.pairs[i].latency_ns, " ns at ", table.pairs[i].khz, " kHz"));
    }
    return absl::StrJoin(pairs, ", ");
  }
  Text operator()(const mrq::CpuNdivLimitsRequest&) const { return Bytes(); }
  Text operator()(const mrq::UphyRequest&) const { return Bytes(); }
};

const char* VerbOf(v1::ResourceKind kind) {
  return kind == v1::RESOURCE_KIND_POWER_DOMAIN ? "domain" : "clock";
}

}  // namespace

std::string AnswerText(const ParsedRequest& request, const v1::MrqResponse& response,
                       Names& names) {
  if (response.error() != 0) {
    return absl::StrCat("refused: ", ErrorWords(response.error()));
  }
  const std::string& rx = response.rx();
  const mrq::Response answer = mrq::FromBytes(
      0, absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(rx.data()), rx.size()));
  const Reader reader{answer, names};
  const Text text = request.typed.has_value() ? std::visit(reader, *request.typed) : reader.Bytes();
  if (!text.ok()) {
    return absl::StrCat("ok, but the answer can't be read: ", text.status().message());
  }
  return text->empty() ? "ok" : absl::StrCat("ok: ", *text);
}

std::string RefusalText(const ParsedRequest& request, int32_t error, const std::string& vm,
                        const std::string& reason) {
  std::string text = absl::StrCat("refused: ", ErrorAndReason(error, reason));
  const bool has_holders =
      request.kind == v1::RESOURCE_KIND_CLOCK || request.kind == v1::RESOURCE_KIND_POWER_DOMAIN;
  if (error == -static_cast<int32_t>(mrq::Error::kBusy) && has_holders) {
    absl::StrAppend(&text, "\n  see: bpmpctl ", VerbOf(request.kind), " holders ",
                    request.resource);
  } else {
    absl::StrAppend(&text, "\n  see: bpmpctl why-denied ", vm, " ", request.text);
  }
  return text;
}

}  // namespace bpmp::ctl
