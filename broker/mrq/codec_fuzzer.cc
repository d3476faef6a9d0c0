// SPDX-License-Identifier: Apache-2.0
// Input: four bytes of MRQ code, little-endian, then the payload of a request or answer. Whatever
// the bytes, they are a value or an error, and a value survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <variant>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "broker/base/endian.h"
#include "broker/mrq/codec.h"

namespace bpmp::mrq {
namespace {

using Bytes = absl::Span<const uint8_t>;

void Require(bool condition) {
  if (!condition) {
    std::abort();
  }
}

void FuzzRequest(uint32_t mrq, Bytes tx) {
  const absl::StatusOr<Request> request = DecodeRequest(mrq, tx);
  if (!request.ok()) {
    Require(ErrorFromStatus(request.status()) != Error::kOk);
    return;
  }
  const EncodedRequest encoded = EncodeRequest(*request);
  Require(encoded.mrq == mrq && MrqCode(*request) == mrq);
  const absl::StatusOr<Request> again = DecodeRequest(encoded.mrq, encoded.bytes());
  Require(again.ok() && *again == *request);
  Require(EncodeRequest(*again) == encoded);
  if (const auto* uphy = std::get_if<UphyRequest>(&*request)) {
    const auto pcie = PcieSwitchOf(*uphy);
    Require(!pcie || PcieSwitchOf(ToUphyRequest(*pcie)) == pcie);
  }
  Require(!Describe(*request).empty() && CommandName(*request) != "?");
}

void FuzzInbound(uint32_t mrq, Bytes data) {
  const absl::StatusOr<HostTrip> trip = DecodeInbound(mrq, data);
  if (!trip.ok()) return;
  const EncodedRequest encoded = EncodeInbound(*trip);
  const absl::StatusOr<HostTrip> again = DecodeInbound(encoded.mrq, encoded.bytes());
  Require(encoded.mrq == mrq && again.ok() && *again == *trip);
}

void FuzzAnswer(uint32_t error, Bytes rx) {
  const Response response = FromBytes(static_cast<int32_t>(error), rx);
  Require(response.size <= kPayloadSize && response.ok() == (error == 0));
  Require(!ErrorName(response.error).empty());
  if (const auto value = ReadU32(response); value.ok()) {
    Require(*ReadU32(OkU32(*value)) == *value);
  }
  if (const auto rate = ReadRate(response); rate.ok()) {
    Require(*ReadRate(OkRate(*rate)) == *rate);
  }
  if (const auto info = ReadClkInfo(response); info.ok()) {
    const auto again = ReadClkInfo(OkClkInfo(*info));
    Require(again.ok() && *again == *info);
  }
  if (const auto table = ReadEmcLatency(response); table.ok()) {
    const auto again = ReadEmcLatency(OkEmcLatency(*table));
    Require(again.ok() && *again == *table && table->count <= kMaxEmcPairs);
  }
  Require(ReadName(OkName(ReadName(response))) == ReadName(response));
  Require(ReadFwTag(OkFwTag(ReadFwTag(response))) == ReadFwTag(response));
}

}  // namespace
}  // namespace bpmp::mrq

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::Span<const uint8_t> input(data, size);
  if (input.size() < sizeof(uint32_t)) {
    return 0;
  }
  const auto code = bpmp::LoadLe<uint32_t>(input, 0);
  const auto payload = input.subspan(sizeof(uint32_t));
  bpmp::mrq::FuzzRequest(code, payload);
  bpmp::mrq::FuzzInbound(code, payload);
  bpmp::mrq::FuzzAnswer(code, payload);
  return 0;
}
