// SPDX-License-Identifier: Apache-2.0
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "broker/mrq/codec.h"
#include "gtest/gtest.h"

namespace bpmp::mrq {
namespace {

ClkRequest Clk(ClkCmd cmd, uint32_t id) {
  ClkRequest request;
  request.cmd = cmd;
  request.clock = ClockId(id);
  return request;
}

ResetRequest Reset(ResetCmd cmd, uint32_t id) {
  ResetRequest request;
  request.cmd = cmd;
  request.reset = ResetId(id);
  return request;
}

PgRequest Pg(PgCmd cmd, uint32_t id, uint32_t arg) {
  PgRequest request;
  request.cmd = cmd;
  request.domain = DomainId(id);
  request.arg = arg;
  return request;
}

ThermalRequest Thermal(ThermalCmd cmd, uint32_t arg) {
  ThermalRequest request;
  request.cmd = cmd;
  request.arg = arg;
  return request;
}

TEST(NamesTest, ErrorsOfEitherSign) {
  const std::vector<std::pair<Error, std::string>> names = {
      {Error::kOk, "OK"},
      {Error::kPerm, "EPERM"},
      {Error::kNoEnt, "ENOENT"},
      {Error::kIo, "EIO"},
      {Error::kNoHandler, "ENOHANDLER"},
      {Error::kBadCmd, "EBADCMD"},
      {Error::kAgain, "EAGAIN"},
      {Error::kNoMem, "ENOMEM"},
      {Error::kAccess, "EACCES"},
      {Error::kFault, "EFAULT"},
      {Error::kBusy, "EBUSY"},
      {Error::kNoDev, "ENODEV"},
      {Error::kIsDir, "EISDIR"},
      {Error::kInval, "EINVAL"},
      {Error::kTimedOut, "ETIMEDOUT"},
      {Error::kRange, "ERANGE"},
      {Error::kNoSys, "ENOSYS"},
      {Error::kBadSlot, "EBADSLT"},
      {Error::kNotSup, "ENOTSUP"},
      {Error::kNxio, "ENXIO"},
  };
  for (const auto& [error, name] : names) {
    EXPECT_EQ(ErrorName(static_cast<int32_t>(error)), name);
    EXPECT_EQ(ErrorName(-static_cast<int32_t>(error)), name);
  }
  for (const int32_t unknown : {4, -4, 110, 1000, std::numeric_limits<int32_t>::max(),
                                std::numeric_limits<int32_t>::min()}) {
    EXPECT_EQ(ErrorName(unknown), "E?") << unknown;
  }
}

TEST(NamesTest, EveryStatusCodeHasItsError) {
  const std::vector<std::pair<absl::Status, Error>> errors = {
      {absl::OkStatus(), Error::kOk},
      {absl::InvalidArgumentError(""), Error::kInval},
      {absl::NotFoundError(""), Error::kInval},
      {absl::OutOfRangeError(""), Error::kRange},
      {absl::UnimplementedError(""), Error::kBadCmd},
      {absl::PermissionDeniedError(""), Error::kAccess},
      {absl::UnauthenticatedError(""), Error::kAccess},
      {absl::FailedPreconditionError(""), Error::kBusy},
      {absl::AlreadyExistsError(""), Error::kBusy},
      {absl::UnavailableError(""), Error::kAgain},
      {absl::AbortedError(""), Error::kAgain},
      {absl::CancelledError(""), Error::kAgain},
      {absl::ResourceExhaustedError(""), Error::kAgain},
      {absl::DeadlineExceededError(""), Error::kTimedOut},
      {absl::InternalError(""), Error::kIo},
      {absl::DataLossError(""), Error::kIo},
      {absl::UnknownError(""), Error::kIo},
      {absl::Status(static_cast<absl::StatusCode>(1000), ""), Error::kIo},
  };
  for (const auto& [status, error] : errors) {
    EXPECT_EQ(ErrorFromStatus(status), error) << status;
  }
}

TEST(NamesTest, Mrqs) {
  EXPECT_EQ(MrqName(22), "CLK");
  EXPECT_EQ(MrqName(20), "RESET");
  EXPECT_EQ(MrqName(66), "PG");
  EXPECT_EQ(MrqName(0), "PING");
  EXPECT_EQ(MrqName(9), "THREADED_PING");
  EXPECT_EQ(MrqName(23), "QUERY_ABI");
  EXPECT_EQ(MrqName(27), "THERMAL");
  EXPECT_EQ(MrqName(31), "EMC_DVFS_LATENCY");
  EXPECT_EQ(MrqName(67), "CPU_NDIV_LIMITS");
  EXPECT_EQ(MrqName(69), "UPHY");
  EXPECT_EQ(MrqName(71), "QUERY_FW_TAG");
  EXPECT_EQ(MrqName(75), "DEBUG");
  EXPECT_EQ(MrqName(2), "?");
  EXPECT_EQ(MrqName(22 | 1U << 31), "?");
  EXPECT_EQ(MrqName(std::numeric_limits<uint32_t>::max()), "?");
}

TEST(NamesTest, CodesAndCommands) {
  EXPECT_EQ(MrqCode(Clk(ClkCmd::kEnable, 1)), 22U);
  EXPECT_EQ(MrqCode(PingRequest{}), 0U);
  EXPECT_EQ(MrqCode(PingRequest{true, 0}), 9U);
  EXPECT_EQ(MrqCode(UphyRequest{}), 69U);
  EXPECT_EQ(CommandName(Clk(ClkCmd::kEnable, 1)), "ENABLE");
  EXPECT_EQ(CommandName(Clk(ClkCmd::kGetFmaxAtVmin, 1)), "GET_FMAX_AT_VMIN");
  EXPECT_EQ(CommandName(Reset(ResetCmd::kDeassert, 1)), "DEASSERT");
  EXPECT_EQ(CommandName(Pg(PgCmd::kSetState, 1, 1)), "SET_STATE");
  EXPECT_EQ(CommandName(PingRequest{}), "");
  EXPECT_EQ(CommandName(EmcDvfsLatencyRequest{}), "");
}

TEST(NamesTest, Descriptions) {
  EXPECT_EQ(Describe(Clk(ClkCmd::kEnable, 155)), "CLK ENABLE clock 155");
  EXPECT_EQ(Describe(Clk(ClkCmd::kGetMaxClkId, 155)), "CLK GET_MAX_CLK_ID");
  ClkRequest set = Clk(ClkCmd::kSetRate, 155);
  set.rate_hz = 408'000'000;
  EXPECT_EQ(Describe(set), "CLK SET_RATE clock 155 to 408000000 Hz");
  set.cmd = ClkCmd::kSetParent;
  set.parent = ClockId(102);
  EXPECT_EQ(Describe(set), "CLK SET_PARENT clock 155 to clock 102");
  EXPECT_EQ(Describe(Reset(ResetCmd::kDeassert, 100)), "RESET DEASSERT reset 100");
  EXPECT_EQ(Describe(Reset(ResetCmd::kGetMaxId, 0)), "RESET GET_MAX_ID");
  EXPECT_EQ(Describe(Pg(PgCmd::kSetState, 18, 1)), "PG SET_STATE power domain 18 on");
  EXPECT_EQ(Describe(Pg(PgCmd::kSetState, 18, 0)), "PG SET_STATE power domain 18 off");
  EXPECT_EQ(Describe(Pg(PgCmd::kSetState, 18, 2)), "PG SET_STATE power domain 18 running");
  EXPECT_EQ(Describe(Pg(PgCmd::kSetState, 18, 9)), "PG SET_STATE power domain 18 state 9");
  EXPECT_EQ(Describe(Pg(PgCmd::kGetName, 18, 0)), "PG GET_NAME power domain 18");
  EXPECT_EQ(Describe(Pg(PgCmd::kQueryAbi, 0, 1)), "PG QUERY_ABI command 1");
  EXPECT_EQ(Describe(Pg(PgCmd::kGetMaxId, 0, 0)), "PG GET_MAX_ID");
  EXPECT_EQ(Describe(PingRequest{true, 7}), "THREADED_PING 7");
  EXPECT_EQ(Describe(QueryAbiRequest{71}), "QUERY_ABI mrq 71 (QUERY_FW_TAG)");
  EXPECT_EQ(Describe(QueryFwTagRequest{}), "QUERY_FW_TAG");
  EXPECT_EQ(Describe(EmcDvfsLatencyRequest{}), "EMC_DVFS_LATENCY");
  EXPECT_EQ(Describe(CpuNdivLimitsRequest{2}), "CPU_NDIV_LIMITS cluster 2");
  EXPECT_EQ(Describe(Thermal(ThermalCmd::kGetTemp, 8)), "THERMAL GET_TEMP zone 8");
  EXPECT_EQ(Describe(Thermal(ThermalCmd::kQueryAbi, 2)), "THERMAL QUERY_ABI command 2");
  EXPECT_EQ(Describe(Thermal(ThermalCmd::kGetNumZones, 0)), "THERMAL GET_NUM_ZONES");
  UphyRequest uphy;
  uphy.lane = 5;
  EXPECT_EQ(Describe(uphy), "UPHY MARGIN_STATUS lane 5");
}

}  // namespace
}  // namespace bpmp::mrq
