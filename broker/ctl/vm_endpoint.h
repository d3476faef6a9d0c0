// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_VM_ENDPOINT_H_
#define BROKER_CTL_VM_ENDPOINT_H_

#include <string>

#include "absl/status/statusor.h"
#include "broker/ctl/context.h"
#include "broker/ctl/endpoint.h"

namespace bpmp::ctl {

// The VM's own socket, as the broker says where it is.
absl::StatusOr<Endpoint> VmEndpoint(Context& context, const std::string& vm);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_VM_ENDPOINT_H_
