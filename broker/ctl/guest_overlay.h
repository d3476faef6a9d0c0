// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_GUEST_OVERLAY_H_
#define BROKER_CTL_GUEST_OVERLAY_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/host_tree.h"

namespace bpmp::ctl {

// A device of a VM: as the broker knows it, and its node in the host's device tree.
struct GuestDevice {
  v1::Device device;
  const devicetree::Node* node;
};

// The devices of the VM's configuration. FailedPrecondition where it has none; NotFound, with the
// device, where the broker or the tree knows no such device.
absl::StatusOr<std::vector<GuestDevice>> FindGuestDevices(const v1::VmConfig& vm,
                                                          const v1::ListDevicesResponse& devices,
                                                          const HostTree& host);

// A device-tree overlay (for dtc) with a node for each, as GuestNode writes them, in the root of
// the guest's tree; one whose node is below another's, below that. Its base must have a label
// `bpmp`.
absl::StatusOr<std::string> GuestOverlay(const std::string& vm,
                                         const std::vector<GuestDevice>& devices,
                                         const HostTree& host);

// One line for each device whose node needs what the broker's device doesn't give: the guest's
// driver would be refused.
std::vector<std::string> NotGiven(const std::vector<GuestDevice>& devices, const HostTree& host);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_GUEST_OVERLAY_H_
