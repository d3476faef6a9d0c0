// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/mrq/codec.h"
#include "broker/mrq/commands.h"
#include "broker/mrq/types.h"

namespace bpmp::mrq {
namespace {

struct Name {
  uint32_t number;
  std::string_view name;
};

// Ordered by number, which Find relies on. With the codes that no VM may send, so that a refusal
// can say what was asked.
constexpr Name kMrqNames[] = {
    {0, "PING"},
    {1, "QUERY_TAG"},
    {4, "MODULE_LOAD"},
    {5, "MODULE_UNLOAD"},
    {7, "TRACE_MODIFY"},
    {8, "WRITE_TRACE"},
    {9, "THREADED_PING"},
    {11, "MODULE_MAIL"},
    {19, "DEBUGFS"},
    {20, "RESET"},
    {21, "I2C"},
    {22, "CLK"},
    {23, "QUERY_ABI"},
    {25, "PG_READ_STATE"},
    {26, "PG_UPDATE_STATE"},
    {27, "THERMAL"},
    {28, "CPU_VHINT"},
    {29, "ABI_RATCHET"},
    {31, "EMC_DVFS_LATENCY"},
    {49, "SHUTDOWN"},
    {64, "TRACE_ITER"},
    {65, "RINGBUF_CONSOLE"},
    {66, "PG"},
    {67, "CPU_NDIV_LIMITS"},
    {68, "STRAP"},
    {69, "UPHY"},
    {70, "CPU_AUTO_CC3"},
    {71, "QUERY_FW_TAG"},
    {72, "FMON"},
    {73, "EC"},
    {75, "DEBUG"},
    {76, "EMC_DVFS_EMCHUB"},
    {77, "BWMGR"},
    {78, "ISO_CLIENT"},
    {79, "EMC_DISP_RFL"},
    {80, "TELEMETRY"},
    {81, "PWR_LIMIT"},
    {82, "GEARS"},
    {83, "BWMGR_INT"},
    {84, "OC_STATUS"},
};

// The three that enum Error lacks come from newer firmware and are only ever passed on.
constexpr Name kErrorNames[] = {
    {0, "OK"},        {1, "EPERM"},     {2, "ENOENT"},   {3, "ENOHANDLER"}, {5, "EIO"},
    {6, "EBADCMD"},   {11, "EAGAIN"},   {12, "ENOMEM"},  {13, "EACCES"},    {14, "EFAULT"},
    {16, "EBUSY"},    {19, "ENODEV"},   {21, "EISDIR"},  {22, "EINVAL"},    {23, "ETIMEDOUT"},
    {34, "ERANGE"},   {38, "ENOSYS"},   {57, "EBADSLT"}, {77, "EBADMSG"},   {95, "EOPNOTSUPP"},
    {119, "ENAVAIL"}, {134, "ENOTSUP"}, {140, "ENXIO"},
};

template <size_t N>
constexpr bool IsOrdered(const Name (&names)[N]) {
  return std::adjacent_find(std::begin(names), std::end(names), [](const Name& a, const Name& b) {
           return a.number >= b.number;
         }) == std::end(names);
}
static_assert(IsOrdered(kMrqNames) && IsOrdered(kErrorNames));

template <size_t N>
std::string_view Find(const Name (&names)[N], uint32_t number, std::string_view unknown) {
  const Name* found =
      std::lower_bound(std::begin(names), std::end(names), number,
                       [](const Name& name, uint32_t wanted) { return name.number < wanted; });
  return found != std::end(names) && found->number == number ? found->name : unknown;
}

// By absl::StatusCode. What may be tried again later is EAGAIN, what another VM is in the way of is
// EBUSY, a bad id or argument is EINVAL, and what is wrong with the machinery itself is EIO.
constexpr Error kErrorOfStatus[] = {
    Error::kOk,        // kOk
    Error::kAgain,     // kCancelled
    Error::kIo,        // kUnknown
    Error::kInval,     // kInvalidArgument
    Error::kTimedOut,  // kDeadlineExceeded
    Error::kInval,     // kNotFound
    Error::kBusy,      // kAlreadyExists
    Error::kAccess,    // kPermissionDenied
    Error::kAgain,     // kResourceExhausted
    Error::kBusy,      // kFailedPrecondition
    Error::kAgain,     // kAborted
    Error::kRange,     // kOutOfRange
    Error::kBadCmd,    // kUnimplemented
    Error::kIo,        // kInternal
    Error::kAgain,     // kUnavailable
    Error::kIo,        // kDataLoss
    Error::kAccess,    // kUnauthenticated
};
static_assert(std::size(kErrorOfStatus) ==
              static_cast<size_t>(absl::StatusCode::kUnauthenticated) + 1);

std::string StateName(uint32_t state) {
  switch (static_cast<PgState>(state)) {
    case PgState::kOff:
      return "off";
    case PgState::kOn:
      return "on";
    case PgState::kRunning:
      return "running";
  }
  return absl::StrCat("state ", state);
}

// What Describe says after MRQ and command; empty when there is nothing to say.
struct Arguments {
  std::string operator()(const PingRequest& r) const { return absl::StrCat(r.challenge); }
  std::string operator()(const QueryAbiRequest& r) const {
    return absl::StrCat("mrq ", r.mrq, " (", ToAbsl(MrqName(r.mrq)), ")");
  }
  std::string operator()(const QueryFwTagRequest& /*r*/) const { return ""; }
  std::string operator()(const EmcDvfsLatencyRequest& /*r*/) const { return ""; }
  std::string operator()(const CpuNdivLimitsRequest& r) const {
    return absl::StrCat("cluster ", r.cluster);
  }

  std::string operator()(const ClkRequest& r) const {
    switch (r.cmd) {
      case ClkCmd::kGetMaxClkId:
        return "";
      case ClkCmd::kSetRate:
      case ClkCmd::kRoundRate:
        return absl::StrCat(ToString(r.clock), " to ", r.rate_hz, " Hz");
      case ClkCmd::kSetParent:
        return absl::StrCat(ToString(r.clock), " to ", ToString(r.parent));
      default:
        return ToString(r.clock);
    }
  }

  std::string operator()(const ResetRequest& r) const {
    return r.cmd == ResetCmd::kGetMaxId ? "" : ToString(r.reset);
  }

  std::string operator()(const PgRequest& r) const {
    switch (r.cmd) {
      case PgCmd::kGetMaxId:
        return "";
      case PgCmd::kQueryAbi:
        return absl::StrCat("command ", r.arg);
      case PgCmd::kSetState:
        return absl::StrCat(ToString(r.domain), " ", StateName(r.arg));
      default:
        return ToString(r.domain);
    }
  }

  std::string operator()(const ThermalRequest& r) const {
    switch (r.cmd) {
      case ThermalCmd::kGetNumZones:
        return "";
      case ThermalCmd::kQueryAbi:
        return absl::StrCat("command ", r.arg);
      default:
        return absl::StrCat("zone ", r.arg);
    }
  }

  std::string operator()(const UphyRequest& r) const { return absl::StrCat("lane ", r.lane); }
};

}  // namespace

Error ErrorFromStatus(const absl::Status& status) {
  // A code from outside the enumeration is read by code() as kUnknown, so it is an index.
  return kErrorOfStatus[static_cast<size_t>(status.code())];
}

std::string_view ErrorName(int32_t error) {
  const auto number = static_cast<uint32_t>(error);
  return Find(kErrorNames, error < 0 ? 0 - number : number, "E?");
}

std::string_view MrqName(uint32_t mrq) { return Find(kMrqNames, mrq, "?"); }

std::string_view CommandName(const Request& request) {
  const MrqSpec* spec = FindMrq(MrqCode(request));
  const CommandSpec* command = spec == nullptr ? nullptr : FindCommand(*spec, CommandCode(request));
  return command == nullptr ? "?" : command->name;
}

std::string Describe(const Request& request) {
  std::string line(MrqName(MrqCode(request)));
  for (const std::string& part :
       {std::string(CommandName(request)), std::visit(Arguments(), request)}) {
    if (!part.empty()) {
      absl::StrAppend(&line, " ", part);
    }
  }
  return line;
}

}  // namespace bpmp::mrq
