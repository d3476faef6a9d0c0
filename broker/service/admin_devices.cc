// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/core/core.h"
#include "broker/service/admin_service.h"

namespace bpmp::service {
namespace {

template <typename Id>
void Fill(const core::Core& core, const std::vector<Id>& ids,
          google::protobuf::RepeatedPtrField<v1::NamedId>* named) {
  for (const Id id : ids) {
    v1::NamedId* const one = named->Add();
    one->set_id(id.value());
    one->set_name(core.NameOf(core::Resource::Of(id)));
  }
}

// Under the engine's lock.
void Fill(const core::Core& core, const core::Device& device, v1::Device* shown) {
  shown->set_name(device.name());
  shown->mutable_other_names()->Add(device.names.begin() + 1, device.names.end());
  Fill(core, device.clocks, shown->mutable_clocks());
  Fill(core, device.resets, shown->mutable_resets());
  Fill(core, device.domains, shown->mutable_power_domains());
  Fill(core, device.shared_clocks, shown->mutable_shared_clocks());
}

using Owners = std::map<const core::Device*, std::set<std::string>>;

Owners OwnersOf(const core::Profile& profile, const std::vector<VmRegistry::Info>& vms) {
  Owners owners;
  for (const VmRegistry::Info& vm : vms) {
    for (const v1::DeviceGrantConfig& grant : vm.config.devices()) {
      owners[profile.FindDevice(grant.device())].insert(vm.config.name());
    }
    if (vm.config.all() != v1::ACCESS_EXCLUSIVE) continue;
    for (const core::Device& device : profile.devices()) owners[&device].insert(vm.config.name());
  }
  return owners;
}

}  // namespace

grpc::ServerUnaryReactor* AdminService::ListDevices(grpc::CallbackServerContext* context,
                                                    const v1::ListDevicesRequest* /*request*/,
                                                    v1::ListDevicesResponse* response) {
  // Constant for the core's life.
  const core::Profile& profile =
      *deps_.engine->Read([](const core::Core& core) { return &core.profile(); });
  const Owners owners = OwnersOf(profile, deps_.vms->List());
  std::vector<const core::Device*> devices;
  for (const core::Device& device : profile.devices()) devices.push_back(&device);
  std::sort(devices.begin(), devices.end(),
            [](const auto* a, const auto* b) { return a->name() < b->name(); });
  // The lock is taken for each device anew, so that no VM waits for a whole list.
  for (const core::Device* device : devices) {
    v1::Device* const shown = response->add_devices();
    deps_.engine->Read([&](const core::Core& core) { Fill(core, *device, shown); });
    const auto vms = owners.find(device);
    if (vms == owners.end()) continue;
    shown->mutable_vms()->Add(vms->second.begin(), vms->second.end());
  }
  return FinishCall(context, absl::OkStatus());
}

}  // namespace bpmp::service
