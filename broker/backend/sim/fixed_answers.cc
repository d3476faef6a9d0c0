// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/sim/fixed_answers.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

#include "absl/types/span.h"
#include "broker/base/endian.h"
#include "broker/mrq/codec.h"

namespace bpmp::backend::sim {
namespace {

using mrq::Error;
using mrq::Fail;
using mrq::OkU32;
using mrq::Response;

constexpr std::string_view kFwTag = "bpmp-broker-sim-t234-1";

constexpr mrq::EmcLatency kEmcLatency = {
    4, {{{204000, 1180}, {665600, 560}, {2133000, 210}, {3199000, 150}}}};

constexpr uint32_t kCpuClusters = 3;

// Past the size that a Response constructor of mrq knows.
void Put16(uint16_t value, Response* response) {
  StoreLe(absl::MakeSpan(response->data), response->size, value);
  response->size = static_cast<uint8_t>(response->size + sizeof(value));
}

}  // namespace

Response FixedAnswer(const mrq::PingRequest& request) { return OkU32(request.challenge << 1); }

Response FixedAnswer(const mrq::QueryFwTagRequest& /*request*/) { return mrq::OkFwTag(kFwTag); }

Response FixedAnswer(const mrq::EmcDvfsLatencyRequest& /*request*/) {
  return mrq::OkEmcLatency(kEmcLatency);
}

// A reference of 38.4 MHz divided by 1 x 4, times ndiv.
Response FixedAnswer(const mrq::CpuNdivLimitsRequest& request) {
  if (request.cluster >= kCpuClusters) {
    return Fail(Error::kInval);
  }
  Response response = OkU32(38'400'000);
  Put16(1, &response);    // pdiv
  Put16(4, &response);    // mdiv
  Put16(229, &response);  // ndiv_max: 2.2 GHz
  Put16(12, &response);   // ndiv_min: 115.2 MHz
  return response;
}

Response FixedAnswer(const mrq::QueryAbiRequest& request) {
  constexpr mrq::Mrq kServed[] = {
      mrq::Mrq::kPing,          mrq::Mrq::kThreadedPing, mrq::Mrq::kReset,          mrq::Mrq::kClk,
      mrq::Mrq::kQueryAbi,      mrq::Mrq::kThermal,      mrq::Mrq::kEmcDvfsLatency, mrq::Mrq::kPg,
      mrq::Mrq::kCpuNdivLimits, mrq::Mrq::kUphy,         mrq::Mrq::kQueryFwTag,
  };
  const bool served = std::any_of(std::begin(kServed), std::end(kServed), [&](mrq::Mrq mrq) {
    return static_cast<uint32_t>(mrq) == request.mrq;
  });
  return OkU32(served ? 0 : static_cast<uint32_t>(-static_cast<int32_t>(Error::kNoDev)));
}

}  // namespace bpmp::backend::sim
