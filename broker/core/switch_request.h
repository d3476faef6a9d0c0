// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_SWITCH_REQUEST_H_
#define BROKER_CORE_SWITCH_REQUEST_H_

#include "broker/core/resource.h"
#include "broker/mrq/types.h"

namespace bpmp::core {

// What turns a clock or power domain on or off. REQUIRES: it is one of these.
mrq::Request SwitchRequest(Resource resource, bool on);

}  // namespace bpmp::core

#endif  // BROKER_CORE_SWITCH_REQUEST_H_
