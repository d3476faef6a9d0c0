// SPDX-License-Identifier: Apache-2.0
// What there is, and what a VM may do with it, whatever its kind.
#include "broker/core/judge.h"

namespace bpmp::core {

bool Judge::Exists(Resource resource) const {
  switch (resource.kind) {
    case ResourceKind::kClock:
      return inventory_.Find(ClockId(resource.id)) != nullptr;
    case ResourceKind::kDomain:
      return inventory_.Find(DomainId(resource.id)) != nullptr;
    case ResourceKind::kReset:
      return inventory_.Has(ResetId(resource.id));
    case ResourceKind::kPcieController:
      return inventory_.Has(PcieControllerId(resource.id));
    case ResourceKind::kNone:
      break;
  }
  return false;
}

Access Judge::AccessOf(VmId vm, Resource resource) const {
  switch (resource.kind) {
    case ResourceKind::kClock:
      return May(vm, ClockId(resource.id));
    case ResourceKind::kDomain:
      return May(vm, DomainId(resource.id));
    case ResourceKind::kReset:
      return May(vm, ResetId(resource.id));
    case ResourceKind::kPcieController:
      return May(vm, PcieControllerId(resource.id));
    case ResourceKind::kNone:
      break;
  }
  return Access::kNone;
}

}  // namespace bpmp::core
