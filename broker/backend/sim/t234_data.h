// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_T234_DATA_H_
#define BROKER_BACKEND_SIM_T234_DATA_H_

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/base/ids.h"

// Tegra234 in facts: ids, names, and what the devices of the AGX Orin refer to. For whoever must
// turn names into ids or has to know a board: the simulator, `bpmpctl`, policy checks. What the
// simulator adds of its own is in soc_model.h.
namespace bpmp::backend::sim {

enum class ClockKind : uint8_t { kMux, kDivider, kGate, kPll, kInput, kOther };

// One name of a clock. Six ids have two names, hence two rows; the firmware shows the first.
struct ClockRow {
  ClockId id;
  std::string_view name;
  ClockKind kind = ClockKind::kOther;
  std::string_view parent;  // empty where no public source says
  int64_t rate_hz = 0;      // 0 where no public source says
};

struct ResetRow {
  ResetId id;
  std::string_view name;
};

struct DomainRow {
  DomainId id;
  std::string_view name;
};

// One node of the device tree that refers to the BPMP, ids in the node's order.
struct DeviceRow {
  std::string_view node;  // full path: "/bus@0/serial@3100000"
  std::string_view compatible;
  std::vector<ClockId> clocks;
  std::vector<ResetId> resets;
  std::vector<DomainId> domains;
  std::vector<ClockId> assigned_clocks;  // whose rate or parent Linux sets before it probes
};

// Rows in the order of the files, which is by id but for devices. Views are into the parsed text.
struct SocData {
  std::vector<ClockRow> clocks;
  std::vector<ResetRow> resets;
  std::vector<DomainRow> domains;
  std::vector<DeviceRow> devices;

  // By any of its names; nullopt when unknown.
  std::optional<ClockId> FindClock(std::string_view name) const;
  std::optional<ResetId> FindReset(std::string_view name) const;
  std::optional<DomainId> FindDomain(std::string_view name) const;
};

// The four files as text, to be parsed.
struct SocText {
  std::string_view clocks;
  std::string_view resets;
  std::string_view domains;
  std::string_view devices;
};

// InvalidArgument with file and line for text that is malformed, a name that is used twice, and a
// device that refers to an id by another name than its own.
absl::StatusOr<SocData> ParseSoc(const SocText& text);

// The Tegra234, parsed at the first call. Lives for ever, thread-safe.
const SocData& T234Data();

}  // namespace bpmp::backend::sim

#endif  // BROKER_BACKEND_SIM_T234_DATA_H_
