// SPDX-License-Identifier: Apache-2.0
#include "broker/mrq/commands.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <variant>

#include "broker/mrq/layout.h"

namespace bpmp::mrq {
namespace {

template <typename Command>
constexpr CommandSpec Spec(Command command, uint8_t min_tx, uint8_t rx, std::string_view name) {
  return {static_cast<uint32_t>(command), min_tx, rx, name};
}

// Tables in order of the command. Columns: command, min_tx, rx, name.
constexpr CommandSpec kClkCommands[] = {
    Spec(ClkCmd::kGetRate, 4, 8, "GET_RATE"),
    Spec(ClkCmd::kSetRate, 16, 8, "SET_RATE"),
    Spec(ClkCmd::kRoundRate, 16, 8, "ROUND_RATE"),
    Spec(ClkCmd::kGetParent, 4, 4, "GET_PARENT"),
    Spec(ClkCmd::kSetParent, 8, 4, "SET_PARENT"),
    Spec(ClkCmd::kIsEnabled, 4, 4, "IS_ENABLED"),
    Spec(ClkCmd::kEnable, 4, 0, "ENABLE"),
    Spec(ClkCmd::kDisable, 4, 0, "DISABLE"),
    Spec(ClkCmd::kGetAllInfo, 4, clk_info::kSize, "GET_ALL_INFO"),
    Spec(ClkCmd::kGetMaxClkId, 4, 4, "GET_MAX_CLK_ID"),
    Spec(ClkCmd::kGetFmaxAtVmin, 4, 8, "GET_FMAX_AT_VMIN"),
};
constexpr CommandSpec kResetCommands[] = {
    Spec(ResetCmd::kAssert, 8, 0, "ASSERT"),
    Spec(ResetCmd::kDeassert, 8, 0, "DEASSERT"),
    Spec(ResetCmd::kModule, 8, 0, "MODULE"),
    Spec(ResetCmd::kGetMaxId, 8, 4, "GET_MAX_ID"),
};
constexpr CommandSpec kPgCommands[] = {
    Spec(PgCmd::kQueryAbi, 12, 0, "QUERY_ABI"), Spec(PgCmd::kSetState, 12, 0, "SET_STATE"),
    Spec(PgCmd::kGetState, 8, 4, "GET_STATE"),  Spec(PgCmd::kGetName, 8, kNameSize, "GET_NAME"),
    Spec(PgCmd::kGetMaxId, 8, 4, "GET_MAX_ID"),
};
constexpr CommandSpec kThermalCommands[] = {
    Spec(ThermalCmd::kQueryAbi, 8, 0, "QUERY_ABI"),
    Spec(ThermalCmd::kGetTemp, 8, 4, "GET_TEMP"),
    Spec(ThermalCmd::kGetNumZones, 4, 4, "GET_NUM_ZONES"),
    Spec(ThermalCmd::kGetThermtrip, 8, 4, "GET_THERMTRIP"),
};
constexpr CommandSpec kUphyCommands[] = {
    Spec(UphyCmd::kMarginControl, 24, 0, "MARGIN_CONTROL"),
    Spec(UphyCmd::kMarginStatus, 4, 4, "MARGIN_STATUS"),
    Spec(UphyCmd::kEpControllerPllInit, 5, 0, "EP_CONTROLLER_PLL_INIT"),
    Spec(UphyCmd::kControllerState, 6, 0, "CONTROLLER_STATE"),
    Spec(UphyCmd::kEpControllerPllOff, 5, 0, "EP_CONTROLLER_PLL_OFF"),
};
constexpr CommandSpec kPing[] = {{0, 4, 4, ""}};
constexpr CommandSpec kQueryAbi[] = {{0, 4, 4, ""}};
constexpr CommandSpec kQueryFwTag[] = {{0, 0, kFwTagSize, ""}};
constexpr CommandSpec kEmcDvfsLatency[] = {{0, 0, emc::kSize, ""}};
constexpr CommandSpec kCpuNdivLimits[] = {{0, 4, 12, ""}};

// The busiest first. Columns: mrq, command_offset, command_width, linux_tx, commands. A CLK request
// begins with command << 24 | id, so its command is the fourth byte; a UPHY request begins with the
// lane.
constexpr MrqSpec kMrqs[] = {
    {Mrq::kClk, 3, 1, 16, kClkCommands},
    {Mrq::kReset, 0, 4, 8, kResetCommands},
    {Mrq::kPg, 0, 4, 12, kPgCommands},
    {Mrq::kPing, 0, 0, 4, kPing},
    {Mrq::kThreadedPing, 0, 0, 4, kPing},
    {Mrq::kQueryAbi, 0, 0, 4, kQueryAbi},
    {Mrq::kQueryFwTag, 0, 0, 0, kQueryFwTag},
    {Mrq::kThermal, 0, 4, 20, kThermalCommands},
    {Mrq::kEmcDvfsLatency, 0, 0, 0, kEmcDvfsLatency},
    {Mrq::kCpuNdivLimits, 0, 0, 4, kCpuNdivLimits},
    {Mrq::kUphy, 2, 2, 24, kUphyCommands},
};

// What decoding relies on: a request of min_tx bytes has its command in it, what Linux sends is
// long enough for every command, and nothing is longer than a frame.
constexpr bool IsConsistent(const MrqSpec& spec) {
  return spec.linux_tx <= kPayloadSize &&
         std::all_of(spec.commands.begin(), spec.commands.end(), [&spec](const CommandSpec& c) {
           return c.min_tx >= spec.command_offset + spec.command_width &&
                  c.min_tx <= spec.linux_tx && c.rx <= kPayloadSize;
         });
}
static_assert(std::all_of(std::begin(kMrqs), std::end(kMrqs), IsConsistent));

}  // namespace

const MrqSpec* FindMrq(uint32_t mrq) {
  const auto* found = std::find_if(std::begin(kMrqs), std::end(kMrqs), [mrq](const MrqSpec& spec) {
    return static_cast<uint32_t>(spec.mrq) == mrq;
  });
  return found == std::end(kMrqs) ? nullptr : found;
}

const CommandSpec* FindCommand(const MrqSpec& spec, uint32_t command) {
  const auto* found =
      std::find_if(spec.commands.begin(), spec.commands.end(),
                   [command](const CommandSpec& c) { return c.command == command; });
  return found == spec.commands.end() ? nullptr : found;
}

uint32_t CommandCode(const Request& request) {
  return std::visit(
      [](const auto& typed) -> uint32_t {
        if constexpr (requires { typed.cmd; }) {
          return static_cast<uint32_t>(typed.cmd);
        } else {
          return 0;
        }
      },
      request);
}

}  // namespace bpmp::mrq
