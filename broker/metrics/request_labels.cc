// SPDX-License-Identifier: Apache-2.0
#include "broker/metrics/request_labels.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <iterator>
#include <variant>

#include "broker/mrq/codec.h"

namespace bpmp::metrics {
namespace {

// Where each MRQ's commands begin among the kinds. Room is left up to its highest command.
enum Base : size_t {
  kPing = 0,
  kThreadedPing = 1,
  kQueryAbi = 2,
  kFwTag = 3,
  kEmc = 4,
  kNdiv = 5,
  kClk = 6,               // commands 0..16
  kReset = kClk + 17,     // 0..4
  kPg = kReset + 5,       // 0..4
  kThermal = kPg + 5,     // 0..4
  kUphy = kThermal + 5,   // 0..5
  kRejected = kUphy + 6,  // by kKnownMrqs
  kRejectedOther = kRejected + 11,
};

constexpr uint32_t kKnownMrqs[] = {0, 9, 20, 22, 23, 27, 31, 66, 67, 69, 71};
static_assert(kRejected + std::size(kKnownMrqs) == kRejectedOther);
static_assert(kRejectedOther < kRequestKinds);

struct KindOf {
  size_t operator()(const mrq::PingRequest& r) const { return r.threaded ? kThreadedPing : kPing; }
  size_t operator()(const mrq::QueryAbiRequest&) const { return kQueryAbi; }
  size_t operator()(const mrq::QueryFwTagRequest&) const { return kFwTag; }
  size_t operator()(const mrq::EmcDvfsLatencyRequest&) const { return kEmc; }
  size_t operator()(const mrq::CpuNdivLimitsRequest&) const { return kNdiv; }
  size_t operator()(const mrq::ClkRequest& r) const { return At(kClk, kReset, r.cmd); }
  size_t operator()(const mrq::ResetRequest& r) const { return At(kReset, kPg, r.cmd); }
  size_t operator()(const mrq::PgRequest& r) const { return At(kPg, kThermal, r.cmd); }
  size_t operator()(const mrq::ThermalRequest& r) const { return At(kThermal, kUphy, r.cmd); }
  size_t operator()(const mrq::UphyRequest& r) const { return At(kUphy, kRejected, r.cmd); }

 private:
  template <typename Command>
  static size_t At(Base first, Base end, Command command) {
    const size_t kind = first + static_cast<size_t>(command);
    return kind < end ? kind : static_cast<size_t>(kRejectedOther);
  }
};

// A request of the given kind, for its names.
mrq::Request Example(size_t kind) {
  if (kind >= kUphy) {
    mrq::UphyRequest request;
    request.cmd = static_cast<mrq::UphyCmd>(kind - kUphy);
    return request;
  }
  if (kind >= kThermal) {
    return mrq::ThermalRequest{static_cast<mrq::ThermalCmd>(kind - kThermal), 0};
  }
  if (kind >= kPg) return mrq::PgRequest{static_cast<mrq::PgCmd>(kind - kPg), DomainId(), 0};
  if (kind >= kReset) {
    return mrq::ResetRequest{static_cast<mrq::ResetCmd>(kind - kReset), ResetId()};
  }
  if (kind >= kClk) {
    return mrq::ClkRequest{static_cast<mrq::ClkCmd>(kind - kClk), ClockId(), 0, ClockId()};
  }
  switch (kind) {
    case kPing:
      return mrq::PingRequest{false, 0};
    case kThreadedPing:
      return mrq::PingRequest{true, 0};
    case kQueryAbi:
      return mrq::QueryAbiRequest{0};
    case kFwTag:
      return mrq::QueryFwTagRequest{};
    case kEmc:
      return mrq::EmcDvfsLatencyRequest{};
    default:
      return mrq::CpuNdivLimitsRequest{0};
  }
}

// Result 0 is "ok", the last one "other", those between in the order of this table.
constexpr int32_t kErrors[] = {0,  1,  2,  3,  5,  6,  11, 12, 13,  14,  16, 19,
                               21, 22, 23, 34, 38, 57, 77, 95, 119, 134, 140};
constexpr size_t kOtherResult = std::size(kErrors);
static_assert(kOtherResult < kResults);
constexpr int32_t kMaxError = kErrors[kOtherResult - 1];

constexpr std::array<uint8_t, kMaxError + 1> MakeResults() {
  std::array<uint8_t, kMaxError + 1> results{};
  results.fill(static_cast<uint8_t>(kOtherResult));
  for (size_t i = 0; i < kOtherResult; ++i) {
    results[static_cast<size_t>(kErrors[i])] = static_cast<uint8_t>(i);
  }
  return results;
}
constexpr auto kResultOfError = MakeResults();

}  // namespace

size_t RequestKindOf(const mrq::Request& request) { return std::visit(KindOf(), request); }

size_t RejectedKindOf(uint32_t mrq) {
  const auto* found = std::lower_bound(std::begin(kKnownMrqs), std::end(kKnownMrqs), mrq);
  if (found == std::end(kKnownMrqs) || *found != mrq) return kRejectedOther;
  return kRejected + static_cast<size_t>(found - std::begin(kKnownMrqs));
}

RequestLabels LabelsOf(size_t kind) {
  if (kind >= kRejectedOther) return {"other", "other"};
  if (kind >= kRejected) return {std::string(mrq::MrqName(kKnownMrqs[kind - kRejected])), "other"};
  const mrq::Request example = Example(kind);
  const std::string_view command = mrq::CommandName(example);
  return {std::string(mrq::MrqName(mrq::MrqCode(example))),
          command == "?" ? "other" : std::string(command)};
}

size_t ResultOf(int32_t error) {
  const int64_t number = std::abs(int64_t{error});
  return number <= kMaxError ? kResultOfError[static_cast<size_t>(number)] : kOtherResult;
}

std::string ResultLabel(size_t result) {
  if (result == 0) return "ok";
  return result >= kOtherResult ? "other" : std::string(mrq::ErrorName(kErrors[result]));
}

}  // namespace bpmp::metrics
