// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "broker/base/endian.h"
#include "broker/base/status_macros.h"
#include "broker/base/string_view.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/commands.h"
#include "broker/mrq/types.h"

namespace bpmp::mrq {
namespace {

using Bytes = absl::Span<const uint8_t>;

constexpr uint32_t kClkCommandShift = 24;
constexpr size_t kUphyPayload = 4;  // offset of what follows lane and command

// Commands 9 to 13 were in the ABI once; 13 drops every reference count of the whole CPU complex.
constexpr bool IsWithdrawn(Mrq mrq, uint32_t command) {
  return mrq == Mrq::kClk && command >= 9 && command <= 13;
}

absl::Status TooShort(uint32_t mrq, std::string_view name, size_t size, size_t min) {
  return absl::InvalidArgumentError(absl::StrCat(ToAbsl(MrqName(mrq)), name.empty() ? "" : " ",
                                                 ToAbsl(name), " needs ", min,
                                                 " bytes, the request has ", size));
}

// The command that `tx` asks for, or why a VM may not ask for it.
absl::StatusOr<const CommandSpec*> CommandOf(const MrqSpec& spec, Bytes tx) {
  const auto mrq = static_cast<uint32_t>(spec.mrq);
  const size_t end = size_t{spec.command_offset} + spec.command_width;
  if (tx.size() < end) {
    return TooShort(mrq, "", tx.size(), end);
  }
  uint32_t command = 0;
  for (size_t i = end; i > spec.command_offset; --i) {
    command = command << 8 | tx[i - 1];
  }
  const CommandSpec* found = FindCommand(spec, command);
  if (found == nullptr) {
    if (IsWithdrawn(spec.mrq, command)) {
      return absl::UnimplementedError(
          absl::StrCat(ToAbsl(MrqName(mrq)), " command ", command, " is withdrawn from the ABI"));
    }
    return absl::InvalidArgumentError(
        absl::StrCat(ToAbsl(MrqName(mrq)), " has no command ", command, " that a VM may send"));
  }
  if (tx.size() < found->min_tx) {
    return TooShort(mrq, found->name, tx.size(), found->min_tx);
  }
  return found;
}

Request DecodeClk(const CommandSpec& spec, Bytes tx) {
  ClkRequest request;
  request.cmd = static_cast<ClkCmd>(spec.command);
  request.clock = ClockId(LoadLe<uint32_t>(tx, 0) & kClockIdMask);
  if (request.cmd == ClkCmd::kSetRate || request.cmd == ClkCmd::kRoundRate) {
    // Bytes 4 to 7 are an unused field of the ABI.
    request.rate_hz = static_cast<int64_t>(LoadLe<uint64_t>(tx, 8));
  } else if (request.cmd == ClkCmd::kSetParent) {
    request.parent = ClockId(LoadLe<uint32_t>(tx, 4));
  }
  return request;
}

Request DecodeReset(const CommandSpec& spec, Bytes tx) {
  ResetRequest request;
  request.cmd = static_cast<ResetCmd>(spec.command);
  request.reset = ResetId(LoadLe<uint32_t>(tx, 4));
  return request;
}

Request DecodePg(const CommandSpec& spec, Bytes tx) {
  PgRequest request;
  request.cmd = static_cast<PgCmd>(spec.command);
  request.domain = DomainId(LoadLe<uint32_t>(tx, 4));
  if (request.cmd == PgCmd::kSetState || request.cmd == PgCmd::kQueryAbi) {
    request.arg = LoadLe<uint32_t>(tx, 8);
  }
  return request;
}

Request DecodeThermal(const CommandSpec& spec, Bytes tx) {
  ThermalRequest request;
  request.cmd = static_cast<ThermalCmd>(spec.command);
  if (request.cmd != ThermalCmd::kGetNumZones) {
    request.arg = LoadLe<uint32_t>(tx, 4);
  }
  return request;
}

Request DecodeUphy(const CommandSpec& spec, Bytes tx) {
  UphyRequest request;
  request.lane = LoadLe<uint16_t>(tx, 0);
  request.cmd = static_cast<UphyCmd>(spec.command);
  request.payload_size = static_cast<uint8_t>(spec.min_tx - kUphyPayload);
  std::copy_n(tx.begin() + kUphyPayload, request.payload_size, request.payload.begin());
  return request;
}

Request Decode(const MrqSpec& spec, const CommandSpec& command, Bytes tx) {
  switch (spec.mrq) {
    case Mrq::kClk:
      return DecodeClk(command, tx);
    case Mrq::kReset:
      return DecodeReset(command, tx);
    case Mrq::kPg:
      return DecodePg(command, tx);
    case Mrq::kThermal:
      return DecodeThermal(command, tx);
    case Mrq::kUphy:
      return DecodeUphy(command, tx);
    case Mrq::kPing:
    case Mrq::kThreadedPing:
      return PingRequest{spec.mrq == Mrq::kThreadedPing, LoadLe<uint32_t>(tx, 0)};
    case Mrq::kQueryAbi:
      return QueryAbiRequest{LoadLe<uint32_t>(tx, 0)};
    case Mrq::kCpuNdivLimits:
      return CpuNdivLimitsRequest{LoadLe<uint32_t>(tx, 0)};
    case Mrq::kQueryFwTag:
      return QueryFwTagRequest{};
    case Mrq::kEmcDvfsLatency:
      return EmcDvfsLatencyRequest{};
  }
  return QueryFwTagRequest{};  // not reached: specs hold the enumerators above and nothing else
}

// Writes a request's fields. Called with all bytes zero.
class PayloadWriter {
 public:
  explicit PayloadWriter(absl::Span<uint8_t> out) : out_(out) {}

  void operator()(const PingRequest& r) const { Put(0, r.challenge); }
  void operator()(const QueryAbiRequest& r) const { Put(0, r.mrq); }
  void operator()(const QueryFwTagRequest& /*r*/) const {}
  void operator()(const EmcDvfsLatencyRequest& /*r*/) const {}
  void operator()(const CpuNdivLimitsRequest& r) const { Put(0, r.cluster); }

  void operator()(const ClkRequest& r) const {
    // An id that 24 bits can't hold must not come out as another clock, nor spill into the command.
    const uint32_t id = std::min(r.clock.value(), kClockIdMask);
    Put(0, static_cast<uint32_t>(r.cmd) << kClkCommandShift | id);
    if (r.cmd == ClkCmd::kSetRate || r.cmd == ClkCmd::kRoundRate) {
      StoreLe(out_, 8, static_cast<uint64_t>(r.rate_hz));
    } else if (r.cmd == ClkCmd::kSetParent) {
      Put(4, r.parent.value());
    }
  }

  void operator()(const ResetRequest& r) const {
    Put(0, static_cast<uint32_t>(r.cmd));
    Put(4, r.reset.value());
  }

  void operator()(const PgRequest& r) const {
    Put(0, static_cast<uint32_t>(r.cmd));
    Put(4, r.domain.value());
    if (r.cmd == PgCmd::kSetState || r.cmd == PgCmd::kQueryAbi) {
      Put(8, r.arg);
    }
  }

  void operator()(const ThermalRequest& r) const {
    Put(0, static_cast<uint32_t>(r.cmd));
    if (r.cmd != ThermalCmd::kGetNumZones) {
      Put(4, r.arg);
    }
  }

  void operator()(const UphyRequest& r) const {
    StoreLe(out_, 0, r.lane);
    StoreLe(out_, 2, static_cast<uint16_t>(r.cmd));
    const size_t size = std::min<size_t>(r.payload_size, r.payload.size());
    std::copy_n(r.payload.begin(), size, out_.begin() + kUphyPayload);
  }

 private:
  void Put(size_t offset, uint32_t value) const { StoreLe(out_, offset, value); }

  const absl::Span<uint8_t> out_;
};

struct CodeOf {
  uint32_t operator()(const PingRequest& r) const {
    return static_cast<uint32_t>(r.threaded ? Mrq::kThreadedPing : Mrq::kPing);
  }
  uint32_t operator()(const QueryAbiRequest& /*r*/) const { return Code(Mrq::kQueryAbi); }
  uint32_t operator()(const QueryFwTagRequest& /*r*/) const { return Code(Mrq::kQueryFwTag); }
  uint32_t operator()(const ClkRequest& /*r*/) const { return Code(Mrq::kClk); }
  uint32_t operator()(const ResetRequest& /*r*/) const { return Code(Mrq::kReset); }
  uint32_t operator()(const PgRequest& /*r*/) const { return Code(Mrq::kPg); }
  uint32_t operator()(const ThermalRequest& /*r*/) const { return Code(Mrq::kThermal); }
  uint32_t operator()(const EmcDvfsLatencyRequest& /*r*/) const {
    return Code(Mrq::kEmcDvfsLatency);
  }
  uint32_t operator()(const CpuNdivLimitsRequest& /*r*/) const { return Code(Mrq::kCpuNdivLimits); }
  uint32_t operator()(const UphyRequest& /*r*/) const { return Code(Mrq::kUphy); }

 private:
  static constexpr uint32_t Code(Mrq mrq) { return static_cast<uint32_t>(mrq); }
};

}  // namespace

absl::StatusOr<Request> DecodeRequest(uint32_t mrq, absl::Span<const uint8_t> tx) {
  const MrqSpec* spec = FindMrq(mrq);
  if (spec == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("MRQ ", mrq, " (", ToAbsl(MrqName(mrq)), ") is not one that a VM may send"));
  }
  if (tx.size() > kPayloadSize) {
    return absl::InvalidArgumentError(absl::StrCat(ToAbsl(MrqName(mrq)), " request has ", tx.size(),
                                                   " bytes, a frame holds ", kPayloadSize));
  }
  BPMP_ASSIGN_OR_RETURN(const CommandSpec* command, CommandOf(*spec, tx));
  return Decode(*spec, *command, tx);
}

EncodedRequest EncodeRequest(const Request& request) {
  EncodedRequest encoded;
  encoded.mrq = MrqCode(request);
  std::visit(PayloadWriter(absl::MakeSpan(encoded.data)), request);
  if (const MrqSpec* spec = FindMrq(encoded.mrq); spec != nullptr) {
    encoded.size = spec->linux_tx;
    const CommandSpec* command = FindCommand(*spec, CommandCode(request));
    encoded.rx_size = command == nullptr ? uint8_t{0} : command->rx;
  }
  return encoded;
}

bool IsForVms(uint32_t mrq) { return FindMrq(mrq) != nullptr; }

uint32_t MrqCode(const Request& request) { return std::visit(CodeOf(), request); }

}  // namespace bpmp::mrq
