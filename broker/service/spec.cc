// SPDX-License-Identifier: Apache-2.0
#include "broker/service/spec.h"

#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "broker/base/string_view.h"
#include "broker/service/convert.h"

namespace bpmp::service {
namespace {

using google::protobuf::Message;

core::Where At(const WhereFn& where, const Message& message, std::string_view field = "",
               int index = 0) {
  return where == nullptr ? core::Where{} : where(&message, field, index);
}

core::ResetOnExit ToResetOnExit(v1::DeviceGrantConfig::OnExit on_exit) {
  switch (on_exit) {
    case v1::DeviceGrantConfig::DEASSERT:
      return core::ResetOnExit::kDeassert;
    case v1::DeviceGrantConfig::PULSE:
      return core::ResetOnExit::kPulse;
    case v1::DeviceGrantConfig::LEAVE:
      return core::ResetOnExit::kLeave;
    default:
      return core::ResetOnExit::kAssert;
  }
}

core::DeviceGrant ToDeviceGrant(const v1::DeviceGrantConfig& device, core::Where where) {
  core::DeviceGrant grant;
  grant.device = device.device();
  grant.reset_on_exit = ToResetOnExit(device.on_exit());
  grant.clock_on_exit = device.clocks_on_exit() == v1::DeviceGrantConfig::KEEP
                            ? core::ClockOnExit::kLeave
                            : core::ClockOnExit::kBoot;
  grant.pulse_on_grant = device.on_grant() == v1::DeviceGrantConfig::PULSE_RESETS;
  grant.where = std::move(where);
  return grant;
}

template <typename Grants>
std::vector<core::ResourceGrant> ToGrants(const Grants& grants, const WhereFn& where) {
  std::vector<core::ResourceGrant> specs;
  for (const v1::ResourceGrantConfig& grant : grants) {
    specs.push_back({grant.name(), FromProto(grant.access()), At(where, grant)});
  }
  return specs;
}

template <typename Numbers>
std::vector<core::NumberGrant> ToNumbers(const Numbers& numbers, const WhereFn& where,
                                         const Message& message, std::string_view field) {
  std::vector<core::NumberGrant> grants;
  grants.reserve(static_cast<size_t>(numbers.size()));
  for (int i = 0; i < numbers.size(); ++i) {
    grants.push_back({numbers.Get(i), At(where, message, field, i)});
  }
  return grants;
}

core::RateLimits ToRateLimits(const v1::RateLimitConfig& limit, core::Where where) {
  core::RateLimits limits;
  limits.clock = limit.clock();
  limits.min_hz = limit.min_hz();
  limits.max_hz = limit.max_hz() == 0 ? std::numeric_limits<int64_t>::max() : limit.max_hz();
  limits.where = std::move(where);
  return limits;
}

// Collects what a PolicySpec can't express.
class Problems {
 public:
  explicit Problems(const WhereFn& where) : where_(where) {}

  void Unless(bool fine, const Message& at, std::string_view subject, std::string_view problem) {
    if (fine) return;
    lines_.push_back(
        absl::StrCat(core::ToString(At(where_, at)), ToAbsl(subject), ": ", ToAbsl(problem)));
  }

  absl::Status ToStatus() const {
    if (lines_.empty()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrJoin(lines_, "\n"));
  }

 private:
  const WhereFn& where_;
  std::vector<std::string> lines_;
};

void CheckVm(const v1::VmConfig& vm, Problems* problems) {
  const std::string name = vm.name().empty() ? "a vm" : absl::StrCat("vm ", vm.name());
  problems->Unless(!vm.name().empty(), vm, name, "it has no name");
  problems->Unless(vm.all() == v1::ACCESS_UNSPECIFIED || vm.all() == v1::ACCESS_NONE ||
                       vm.all() == v1::ACCESS_EXCLUSIVE,
                   vm, name, "'all' is 'exclusive', or is left out");
  for (const auto& device : vm.devices()) {
    problems->Unless(!device.device().empty(), device, name,
                     "an entry of 'devices' has no 'device'");
  }
  for (const auto* grants : {&vm.clocks(), &vm.resets(), &vm.power_domains()}) {
    for (const auto& grant : *grants) {
      problems->Unless(!grant.name().empty(), grant, name, "a grant has no 'name'");
      problems->Unless(
          v1::Access_IsValid(grant.access()) && grant.access() != v1::ACCESS_UNSPECIFIED, grant,
          name,
          absl::StrCat("the grant of '", grant.name(),
                       "' needs an 'access': none, get, vote or exclusive"));
    }
  }
  problems->Unless(!vm.has_thermal() || vm.thermal().zones_size() > 0, vm.thermal(), name,
                   "'thermal' names the 'zones' that it may read, as in 'zones: [0, 8]'");
  for (const auto& limit : vm.rate_limits()) {
    problems->Unless(!limit.clock().empty(), limit, name,
                     "an entry of 'rate_limits' has no 'clock'");
    problems->Unless(limit.min_hz() >= 0 && limit.max_hz() >= 0, limit, name,
                     "a rate limit is below zero");
  }
}

void CheckPin(const v1::PinConfig& pin, Problems* problems) {
  problems->Unless(pin.clock().empty() != pin.power_domain().empty(), pin, "a pin",
                   "it names either a 'clock' or a 'power_domain'");
  problems->Unless(pin.rate_hz() >= 0, pin, "a pin", "its rate is below zero");
  problems->Unless(pin.rate_hz() == 0 || pin.power_domain().empty(), pin, "a pin",
                   "a power domain has no rate");
}

absl::Status Check(const v1::Config& config, const WhereFn& where) {
  Problems problems(where);
  for (const auto& vm : config.vms()) CheckVm(vm, &problems);
  for (const auto& rule : config.clocks()) {
    problems.Unless(!rule.clock().empty(), rule, "a clock rule", "it has no 'clock'");
    problems.Unless(v1::RatePolicy_IsValid(rule.rate_policy()) &&
                        rule.rate_policy() != v1::RATE_POLICY_UNSPECIFIED,
                    rule, absl::StrCat("the rule of clock '", rule.clock(), "'"),
                    "it needs a 'rate_policy': owner, fixed, first, max or range");
  }
  for (const auto& pin : config.pins()) CheckPin(pin, &problems);
  return problems.ToStatus();
}

core::PinSpec ToPinSpec(const v1::PinConfig& pin, core::Where where) {
  core::PinSpec spec;
  const bool is_clock = !pin.clock().empty();
  spec.kind = is_clock ? core::ResourceKind::kClock : core::ResourceKind::kDomain;
  spec.resource = is_clock ? pin.clock() : pin.power_domain();
  if (pin.rate_hz() > 0) spec.rate_hz = pin.rate_hz();
  spec.where = std::move(where);
  return spec;
}

}  // namespace

core::VmSpec ToVmSpec(const v1::VmConfig& vm, const WhereFn& where) {
  core::VmSpec spec;
  spec.name = vm.name();
  for (const auto& device : vm.devices()) {
    spec.devices.push_back(ToDeviceGrant(device, At(where, device)));
  }
  spec.clocks = ToGrants(vm.clocks(), where);
  spec.resets = ToGrants(vm.resets(), where);
  spec.domains = ToGrants(vm.power_domains(), where);
  for (const auto& limit : vm.rate_limits()) {
    spec.rate_limits.push_back(ToRateLimits(limit, At(where, limit)));
  }
  spec.thermal_zones = ToNumbers(vm.thermal().zones(), where, vm.thermal(), "zones");
  spec.pcie_controllers = ToNumbers(vm.pcie_controllers(), where, vm, "pcie_controllers");
  spec.emc_latency = vm.emc_latency();
  spec.all_exclusive = vm.all() == v1::ACCESS_EXCLUSIVE;
  spec.hide_ids = vm.ids() == v1::VmConfig::HIDDEN;
  spec.audit_only = vm.audit_only();
  spec.where = At(where, vm);
  return spec;
}

core::VmSpec ToVmSpec(const v1::VmConfig& vm, const core::Where& where) {
  return ToVmSpec(vm, [&where](const Message*, std::string_view, int) { return where; });
}

absl::StatusOr<core::PolicySpec> ToPolicySpec(const v1::Config& config, const WhereFn& where) {
  if (absl::Status status = Check(config, where); !status.ok()) return status;
  core::PolicySpec spec;
  for (const auto& vm : config.vms()) spec.vms.push_back(ToVmSpec(vm, where));
  for (const auto& rule : config.clocks()) {
    spec.clock_rules.push_back({rule.clock(), FromProto(rule.rate_policy()), At(where, rule)});
  }
  for (int i = 0; i < config.shared_resets_size(); ++i) {
    spec.shared_resets.push_back(
        {config.shared_resets(i), core::Access::kExclusive, At(where, config, "shared_resets", i)});
  }
  for (const auto& pin : config.pins()) spec.pins.push_back(ToPinSpec(pin, At(where, pin)));
  spec.audit_only = config.audit_only();
  return spec;
}

}  // namespace bpmp::service
