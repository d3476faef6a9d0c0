// SPDX-License-Identifier: Apache-2.0
// What the firmware says unasked: bytes to a type and back.
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/base/endian.h"
#include "broker/base/string_view.h"
#include "broker/mrq/codec.h"

namespace bpmp::mrq {
namespace {

constexpr auto kThermal = static_cast<uint32_t>(Mrq::kThermal);
// The firmware's commands have numbers apart from those of its callers.
constexpr uint32_t kHostTripReached = 100;
constexpr size_t kCommand = 0;
constexpr size_t kZone = kCommand + sizeof(uint32_t);
constexpr size_t kSize = kZone + sizeof(uint32_t);

absl::Status TooShort(size_t size) {
  return absl::InvalidArgumentError(
      absl::StrCat("THERMAL from the firmware with ", size, " bytes"));
}

}  // namespace

absl::StatusOr<HostTrip> DecodeInbound(uint32_t mrq, absl::Span<const uint8_t> data) {
  if (mrq != kThermal) {
    return absl::UnimplementedError(
        absl::StrCat("MRQ ", mrq, " (", ToAbsl(MrqName(mrq)), ") from the firmware is for no VM"));
  }
  if (data.size() > kPayloadSize) {
    return absl::InvalidArgumentError("longer than a frame");
  }
  if (data.size() < kZone) return TooShort(data.size());
  const auto command = LoadLe<uint32_t>(data, kCommand);
  if (command != kHostTripReached) {
    return absl::UnimplementedError(
        absl::StrCat("THERMAL command ", command, " from the firmware is for no VM"));
  }
  if (data.size() < kSize) return TooShort(data.size());
  return HostTrip{ThermalZoneId(LoadLe<uint32_t>(data, kZone))};
}

EncodedRequest EncodeInbound(const HostTrip& trip) {
  EncodedRequest encoded;
  encoded.mrq = kThermal;
  encoded.size = kSize;
  StoreLe<uint32_t>(absl::MakeSpan(encoded.data), kCommand, kHostTripReached);
  StoreLe<uint32_t>(absl::MakeSpan(encoded.data), kZone, trip.zone.value());
  return encoded;
}

}  // namespace bpmp::mrq
