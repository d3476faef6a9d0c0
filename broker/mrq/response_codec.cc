// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "broker/base/endian.h"
#include "broker/base/status_macros.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/layout.h"
#include "broker/mrq/types.h"

namespace bpmp::mrq {
namespace {

Response OkOfSize(size_t size) {
  Response response;
  response.size = static_cast<uint8_t>(size);
  return response;
}

// Text in a field of `size` bytes, of which at most `limit` are text and the rest zero.
Response OkText(std::string_view text, size_t size, size_t limit) {
  Response response = OkOfSize(size);
  std::copy_n(text.begin(), std::min(text.size(), limit), response.data.begin());
  return response;
}

absl::Span<const uint8_t> PayloadOf(const Response& response) {
  return {response.data.data(), std::min<size_t>(response.size, response.data.size())};
}

absl::StatusOr<absl::Span<const uint8_t>> AtLeast(const Response& response, size_t size) {
  const absl::Span<const uint8_t> payload = PayloadOf(response);
  if (payload.size() < size) {
    return absl::InvalidArgumentError(
        absl::StrCat("answer has ", payload.size(), " bytes, ", size, " are needed"));
  }
  return payload;
}

// The bytes before the first NUL, at most `limit`.
std::string ReadText(const Response& response, size_t limit) {
  const absl::Span<const uint8_t> field = PayloadOf(response).subspan(0, limit);
  return {field.begin(), std::find(field.begin(), field.end(), uint8_t{0})};
}

}  // namespace

Response Fail(Error error) {
  Response response;
  response.error = -static_cast<int32_t>(error);
  return response;
}

Response Ok() { return {}; }

Response OkU32(uint32_t value) {
  Response response = OkOfSize(sizeof(value));
  StoreLe(absl::MakeSpan(response.data), 0, value);
  return response;
}

Response OkRate(int64_t hz) {
  Response response = OkOfSize(sizeof(hz));
  StoreLe(absl::MakeSpan(response.data), 0, static_cast<uint64_t>(hz));
  return response;
}

Response OkClkInfo(const ClkInfo& info) {
  Response response = OkOfSize(clk_info::kSize);
  const absl::Span<uint8_t> out = absl::MakeSpan(response.data);
  const size_t num_parents = std::min<size_t>(info.num_parents, kMaxParents);
  StoreLe(out, clk_info::kFlags, info.flags);
  StoreLe(out, clk_info::kParent, info.parent.value());
  for (size_t i = 0; i < num_parents; ++i) {
    StoreLe(out, clk_info::kParents + i * sizeof(uint32_t), info.parents[i].value());
  }
  out[clk_info::kNumParents] = static_cast<uint8_t>(num_parents);
  const auto* name_end = std::find(info.name.begin(), info.name.end() - 1, '\0');
  std::copy(info.name.begin(), name_end, out.begin() + clk_info::kName);
  return response;
}

Response OkName(std::string_view name) { return OkText(name, kNameSize, kNameSize - 1); }

Response OkFwTag(std::string_view tag) { return OkText(tag, kFwTagSize, kFwTagSize); }

Response OkEmcLatency(const EmcLatency& table) {
  Response response = OkOfSize(emc::kSize);
  const absl::Span<uint8_t> out = absl::MakeSpan(response.data);
  const size_t count = std::min<size_t>(table.count, kMaxEmcPairs);
  StoreLe(out, emc::kCount, static_cast<uint32_t>(count));
  for (size_t i = 0; i < count; ++i) {
    StoreLe(out, emc::kPairs + i * emc::kPairSize, table.pairs[i].khz);
    StoreLe(out, emc::kPairs + i * emc::kPairSize + sizeof(uint32_t), table.pairs[i].latency_ns);
  }
  return response;
}

Response FromBytes(int32_t error, absl::Span<const uint8_t> rx) {
  Response response = OkOfSize(std::min(rx.size(), kPayloadSize));
  response.error = error;
  std::copy_n(rx.begin(), response.size, response.data.begin());
  return response;
}

absl::StatusOr<uint32_t> ReadU32(const Response& response) {
  BPMP_ASSIGN_OR_RETURN(const auto payload, AtLeast(response, sizeof(uint32_t)));
  return LoadLe<uint32_t>(payload, 0);
}

absl::StatusOr<int64_t> ReadRate(const Response& response) {
  BPMP_ASSIGN_OR_RETURN(const auto payload, AtLeast(response, sizeof(int64_t)));
  return static_cast<int64_t>(LoadLe<uint64_t>(payload, 0));
}

absl::StatusOr<ClkInfo> ReadClkInfo(const Response& response) {
  BPMP_ASSIGN_OR_RETURN(const auto payload, AtLeast(response, clk_info::kSize));
  ClkInfo info;
  info.flags = LoadLe<uint32_t>(payload, clk_info::kFlags);
  info.parent = ClockId(LoadLe<uint32_t>(payload, clk_info::kParent));
  info.num_parents = payload[clk_info::kNumParents];
  if (info.num_parents > kMaxParents) {
    return absl::InvalidArgumentError(absl::StrCat("clock information says ", info.num_parents,
                                                   " parents, at most ", kMaxParents, " fit"));
  }
  for (size_t i = 0; i < info.num_parents; ++i) {
    info.parents[i] = ClockId(LoadLe<uint32_t>(payload, clk_info::kParents + i * sizeof(uint32_t)));
  }
  const absl::Span<const uint8_t> name = payload.subspan(clk_info::kName, kNameSize);
  const auto* name_end = std::find(name.begin(), name.end(), uint8_t{0});
  if (name_end == name.end()) {
    return absl::InvalidArgumentError("clock information has a name without NUL");
  }
  std::copy(name.begin(), name_end, info.name.begin());
  return info;
}

absl::StatusOr<EmcLatency> ReadEmcLatency(const Response& response) {
  BPMP_ASSIGN_OR_RETURN(const auto head, AtLeast(response, emc::kPairs));
  EmcLatency table;
  table.count = std::min<uint32_t>(LoadLe<uint32_t>(head, emc::kCount), kMaxEmcPairs);
  BPMP_ASSIGN_OR_RETURN(const auto payload,
                        AtLeast(response, emc::kPairs + table.count * emc::kPairSize));
  for (size_t i = 0; i < table.count; ++i) {
    const size_t at = emc::kPairs + i * emc::kPairSize;
    table.pairs[i].khz = LoadLe<uint32_t>(payload, at);
    table.pairs[i].latency_ns = LoadLe<uint32_t>(payload, at + sizeof(uint32_t));
  }
  return table;
}

std::string ReadName(const Response& response) { return ReadText(response, kNameSize - 1); }

std::string ReadFwTag(const Response& response) { return ReadText(response, kFwTagSize); }

}  // namespace bpmp::mrq
