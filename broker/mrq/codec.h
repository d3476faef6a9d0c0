// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_MRQ_CODEC_H_
#define BROKER_MRQ_CODEC_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "broker/mrq/types.h"

// Bytes to types and back. Pure functions, safe from any thread, total: any bytes give a value or
// an error, never a guess. Sizes are exact minimums of the ABI; a longer request (Linux always
// sends 16 bytes for CLK) is accepted up to kPayloadSize and its rest ignored.
namespace bpmp::mrq {

// One encoded request: what goes to firmware. Bytes past `size` are zero.
struct EncodedRequest {
  uint32_t mrq = 0;
  uint8_t size = 0;     // request bytes that the command defines, as Linux sends them
  uint8_t rx_size = 0;  // answer bytes that the command defines
  std::array<uint8_t, kPayloadSize> data{};

  absl::Span<const uint8_t> bytes() const { return {data.data(), size}; }
  friend bool operator==(const EncodedRequest&, const EncodedRequest&) = default;
};

// Decodes a guest's request. Errors: InvalidArgument (unknown MRQ or command, too short, longer
// than a frame) and Unimplemented (a CLK command that the ABI has withdrawn, 9 to 13).
absl::StatusOr<Request> DecodeRequest(uint32_t mrq, absl::Span<const uint8_t> tx);
// Whether VMs have any request with this code. DecodeRequest refuses all others.
bool IsForVms(uint32_t mrq);

// Writes the fields that the command uses, and zero for the rest. Total too: a clock id of more
// than 24 bits is written as kClockIdMask, which no firmware has, never as the id of another clock.
EncodedRequest EncodeRequest(const Request& request);

// What a UPHY request asks of a PCIe controller; absent where it is about a lane. The lane of a
// request that is about a controller means nothing.
std::optional<PcieSwitch> PcieSwitchOf(const UphyRequest& request);
// A controller of more than 8 bits is written as 255, which no firmware has.
UphyRequest ToUphyRequest(const PcieSwitch& request);

// Decodes what the firmware says unasked. Errors: Unimplemented for what is for no VM, whatever its
// bytes, and InvalidArgument (too short, longer than a frame).
absl::StatusOr<HostTrip> DecodeInbound(uint32_t mrq, absl::Span<const uint8_t> data);
// `rx_size` is 0: no answer is wanted.
EncodedRequest EncodeInbound(const HostTrip& trip);

// The BPMP error for a status of this tree: the one place where they meet on the way to a guest.
// EACCES for PermissionDenied, EBUSY for FailedPrecondition, EINVAL for a bad id or argument,
// EAGAIN for Unavailable and Aborted, ETIMEDOUT for DeadlineExceeded; names.cc has the table.
Error ErrorFromStatus(const absl::Status& status);

// "EACCES" for -13 or 13 alike; "E?" for a number that the ABI doesn't define.
std::string_view ErrorName(int32_t error);

// Names as the ABI has them, also of MRQs that no VM may send: "CLK", "RESET", "DEBUG"; "?" when
// the ABI has no such code.
std::string_view MrqName(uint32_t mrq);
// "ENABLE", "DEASSERT", "SET_STATE"; empty for an MRQ without commands, "?" for a
// command that the ABI doesn't have.
std::string_view CommandName(const Request& request);
uint32_t MrqCode(const Request& request);
// One line for logs and explanations: "CLK ENABLE clock 155".
std::string Describe(const Request& request);

// --- Making answers -----------------------------------------------------------------------------

Response Fail(Error error);
Response Ok();                            // no payload
Response OkU32(uint32_t value);           // IS_ENABLED, GET_PARENT, GET_MAX_*, PG state, ...
Response OkRate(int64_t hz);              // GET_RATE, SET_RATE, ROUND_RATE, FMAX_AT_VMIN
Response OkClkInfo(const ClkInfo& info);  // GET_ALL_INFO
Response OkName(std::string_view name);   // PG GET_NAME; cut to 39 bytes
Response OkFwTag(std::string_view tag);   // QUERY_FW_TAG; cut to 32 bytes
Response OkEmcLatency(const EmcLatency& table);
// An answer from raw bytes, e.g. the firmware's; at most kPayloadSize are kept.
Response FromBytes(int32_t error, absl::Span<const uint8_t> rx);

// --- Reading answers ----------------------------------------------------------------------------
// InvalidArgument when the answer has fewer bytes than the type needs; the error field is not read.

absl::StatusOr<uint32_t> ReadU32(const Response& response);
absl::StatusOr<int64_t> ReadRate(const Response& response);
// Also refuses num_parents over kMaxParents and a name without NUL. What lies behind the last
// parent and behind the name's NUL is read as zero.
absl::StatusOr<ClkInfo> ReadClkInfo(const Response& response);
// A count over kMaxEmcPairs, which a guest would believe, is read as kMaxEmcPairs. Pairs that the
// answer is too short for are an error; what lies behind the last is read as zero.
absl::StatusOr<EmcLatency> ReadEmcLatency(const Response& response);
// The bytes before the first NUL, at most kNameSize - 1 (PG GET_NAME) or kFwTagSize (FW_TAG).
std::string ReadName(const Response& response);
std::string ReadFwTag(const Response& response);

}  // namespace bpmp::mrq

#endif  // BROKER_MRQ_CODEC_H_
