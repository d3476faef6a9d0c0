// SPDX-License-Identifier: Apache-2.0
#include "broker/core/switch_request.h"

#include <cstdint>

namespace bpmp::core {

mrq::Request SwitchRequest(Resource resource, bool on) {
  if (resource.kind == ResourceKind::kClock) {
    mrq::ClkRequest request;
    request.cmd = on ? mrq::ClkCmd::kEnable : mrq::ClkCmd::kDisable;
    request.clock = ClockId(resource.id);
    return request;
  }
  mrq::PgRequest request;
  request.cmd = mrq::PgCmd::kSetState;
  request.domain = DomainId(resource.id);
  request.arg = static_cast<uint32_t>(on ? mrq::PgState::kOn : mrq::PgState::kOff);
  return request;
}

}  // namespace bpmp::core
