// SPDX-License-Identifier: Apache-2.0
#include "broker/service/policy_convert.h"

#include <array>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "broker/service/convert.h"

namespace bpmp::service {
namespace {

void Fill(const core::Core& core, core::Resource resource, v1::PolicyResource* proto) {
  proto->set_kind(ToProto(resource.kind));
  proto->set_id(resource.id);
  proto->set_name(core.NameOf(resource));
}

void Fill(const core::Core& core, const core::VmDifference& vm, v1::VmDifference* proto) {
  constexpr std::array kKinds = {v1::VmDifference::ADDED, v1::VmDifference::REMOVED,
                                 v1::VmDifference::CHANGED};
  proto->set_vm(vm.name);
  proto->set_kind(kKinds[static_cast<size_t>(vm.kind)]);
  for (const core::AccessChange& change : vm.access) {
    v1::AccessChange* const access = proto->add_access();
    Fill(core, change.resource, access->mutable_resource());
    access->set_before(ToProto(change.before));
    access->set_after(ToProto(change.after));
    access->set_derived(change.derived);
  }
  for (const core::Resource resource : vm.unallowed) Fill(core, resource, proto->add_unallowed());
  for (const core::Resource resource : vm.seen_after_reboot) {
    Fill(core, resource, proto->add_seen_after_reboot());
  }
  proto->mutable_text()->Add(vm.text.begin(), vm.text.end());
}

void Fill(const std::vector<core::ResourceGrant>& grants,
          google::protobuf::RepeatedPtrField<v1::ResourceGrantConfig>* proto) {
  proto->Clear();
  for (const core::ResourceGrant& grant : grants) {
    v1::ResourceGrantConfig* const one = proto->Add();
    one->set_name(grant.resource);
    one->set_access(ToProto(grant.access));
  }
}

}  // namespace

void ToProto(const core::Core& core, const core::PolicyDifference& difference,
             v1::PolicyDifference* proto) {
  for (const core::VmDifference& vm : difference.vms) Fill(core, vm, proto->add_vms());
  proto->mutable_board()->Add(difference.board.begin(), difference.board.end());
}

void ToProto(const core::Suggestion& suggestion, const v1::VmConfig& entry,
             v1::SuggestPolicyResponse* proto) {
  v1::VmConfig* const vm = proto->mutable_vm();
  *vm = entry;
  vm->clear_all();
  vm->clear_audit_only();
  vm->clear_devices();
  for (const core::DeviceGrant& grant : suggestion.spec.devices) {
    const auto known = absl::c_find_if(
        entry.devices(), [&](const auto& device) { return device.device() == grant.device; });
    v1::DeviceGrantConfig* const device = vm->add_devices();
    if (known != entry.devices().end()) *device = *known;
    device->set_device(grant.device);
  }
  Fill(suggestion.spec.clocks, vm->mutable_clocks());
  Fill(suggestion.spec.resets, vm->mutable_resets());
  Fill(suggestion.spec.domains, vm->mutable_power_domains());
  vm->clear_thermal();
  vm->clear_pcie_controllers();
  for (const core::NumberGrant& zone : suggestion.spec.thermal_zones) {
    vm->mutable_thermal()->add_zones(zone.number);
  }
  for (const core::NumberGrant& controller : suggestion.spec.pcie_controllers) {
    vm->add_pcie_controllers(controller.number);
  }
  vm->set_emc_latency(suggestion.spec.emc_latency);
  proto->mutable_notes()->Add(suggestion.notes.begin(), suggestion.notes.end());
}

}  // namespace bpmp::service
