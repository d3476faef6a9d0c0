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
using mrq::Ok;
using mrq::OkU32;
using mrq::Response;
using mrq::ThermalCmd;

constexpr std::string_view kFwTag = "bpmp-broker-sim-t234-1";

// The nine thermal zones (CPU, GPU, CV0-2, SOC0-2, TJ_MAX) and where hardware shuts down.
constexpr int32_t kZoneMilliC[] = {46500, 44000, 43000, 43250, 43500, 45000, 44750, 44500, 46500};
constexpr int32_t kThermtripMilliC = 118500;

struct EmcPair {
  uint32_t khz;
  uint32_t latency_ns;
};
constexpr EmcPair kEmcPairs[] = {{204000, 1180}, {665600, 560}, {2133000, 210}, {3199000, 150}};

constexpr uint32_t kCpuClusters = 3;
constexpr uint8_t kPcieControllers = 11;

// Bytes past the size that a Response constructor of mrq knows.
void Put16(uint16_t value, Response* response) {
  StoreLe(absl::MakeSpan(response->data), response->size, value);
  response->size = static_cast<uint8_t>(response->size + sizeof(value));
}
void Put32(uint32_t value, Response* response) {
  StoreLe(absl::MakeSpan(response->data), response->size, value);
  response->size = static_cast<uint8_t>(response->size + sizeof(value));
}

Response OkS32(int32_t value) { return OkU32(static_cast<uint32_t>(value)); }

}  // namespace

Response FixedAnswer(const mrq::PingRequest& request) { return OkU32(request.challenge << 1); }

Response FixedAnswer(const mrq::QueryFwTagRequest& /*request*/) { return mrq::OkFwTag(kFwTag); }

Response FixedAnswer(const mrq::EmcDvfsLatencyRequest& /*request*/) {
  Response response = OkU32(std::size(kEmcPairs));
  for (const EmcPair& pair : kEmcPairs) {
    Put32(pair.khz, &response);
    Put32(pair.latency_ns, &response);
  }
  // The whole table goes out, with what isn't used of it zero.
  response.size = sizeof(uint32_t) + mrq::kMaxEmcPairs * sizeof(EmcPair);
  return response;
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

Response FixedAnswer(const mrq::ThermalRequest& request) {
  switch (request.cmd) {
    case ThermalCmd::kGetNumZones:
      return OkU32(std::size(kZoneMilliC));
    case ThermalCmd::kQueryAbi:
      return request.arg == static_cast<uint32_t>(ThermalCmd::kGetTemp) ||
                     request.arg == static_cast<uint32_t>(ThermalCmd::kGetNumZones) ||
                     request.arg == static_cast<uint32_t>(ThermalCmd::kGetThermtrip)
                 ? Ok()
                 : Fail(Error::kNoDev);
    case ThermalCmd::kGetTemp:
    case ThermalCmd::kGetThermtrip:
      break;
  }
  if (request.arg >= std::size(kZoneMilliC)) {
    return Fail(Error::kInval);
  }
  return OkS32(request.cmd == ThermalCmd::kGetTemp ? kZoneMilliC[request.arg] : kThermtripMilliC);
}

// Only the controllers' state is modelled; there is no eye to margin.
Response FixedAnswer(const mrq::UphyRequest& request) {
  if (request.cmd == mrq::UphyCmd::kMarginControl || request.cmd == mrq::UphyCmd::kMarginStatus) {
    return Fail(Error::kNotSup);
  }
  return request.payload_size > 0 && request.payload[0] < kPcieControllers ? Ok()
                                                                           : Fail(Error::kInval);
}

}  // namespace bpmp::backend::sim
