// SPDX-License-Identifier: Apache-2.0
#include "broker/core/testing/snapshot.h"

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace bpmp::core::testing {
namespace {

std::string List(const std::vector<VmId>& vms) {
  std::string text;
  for (const VmId vm : vms) absl::StrAppend(&text, " ", vm.value());
  return text;
}

void ExpectGate(Rig* rig, Resource resource, bool on) {
  const ResourceStatus status = *rig->core().Status(resource);
  const std::string name = rig->core().NameOf(resource);
  EXPECT_FALSE(status.busy) << name;
  if (status.gate == GateState::kUnknown || status.quarantined_for) return;
  const bool held = !status.holders.empty() || !status.implied.empty() || status.residue;
  EXPECT_EQ(on, held) << name << " is " << (on ? "on" : "off") << ", held by"
                      << List(status.holders) << ", implied by" << List(status.implied)
                      << (status.residue ? ", residue" : "");
  EXPECT_EQ(status.gate, on ? GateState::kOn : GateState::kOff) << name;
}

}  // namespace

std::vector<std::string> Snapshot(Rig* rig) {
  std::vector<std::string> lines;
  for (const Resource resource : rig->core().Resources(ResourceKind::kClock)) {
    const ClockId id(resource.id);
    const ResourceStatus status = *rig->core().Status(resource);
    lines.push_back(absl::StrCat(
        status.name, rig->firmware().on(id) ? " on" : " off", " at ", rig->firmware().rate(id),
        " under ", rig->firmware().parent(id).value_or(ClockId(0)).value(), ", told ",
        status.rate_hz, ", held by", List(status.holders), ", implied by", List(status.implied)));
  }
  for (const Resource resource : rig->core().Resources(ResourceKind::kDomain)) {
    const ResourceStatus status = *rig->core().Status(resource);
    lines.push_back(absl::StrCat("domain ", status.name,
                                 rig->firmware().on(DomainId(resource.id)) ? " on" : " off",
                                 ", held by", List(status.holders)));
  }
  for (uint32_t id = 0; id < kResetCount; ++id) {
    const auto asserted = rig->firmware().asserted(ResetId(id));
    lines.push_back(absl::StrCat("reset ", id, asserted ? (*asserted ? " on" : " off") : " idle",
                                 ", pulsed ", rig->firmware().pulses(ResetId(id))));
  }
  return lines;
}

void ExpectConsistent(Rig* rig) {
  for (const Resource resource : rig->core().Resources(ResourceKind::kClock)) {
    ExpectGate(rig, resource, rig->firmware().on(ClockId(resource.id)));
  }
  for (const Resource resource : rig->core().Resources(ResourceKind::kDomain)) {
    ExpectGate(rig, resource, rig->firmware().on(DomainId(resource.id)));
  }
  EXPECT_TRUE(rig->Waiting().empty());
}

}  // namespace bpmp::core::testing
