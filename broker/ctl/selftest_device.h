// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_SELFTEST_DEVICE_H_
#define BROKER_CTL_SELFTEST_DEVICE_H_

#include <string>

#include "absl/status/status.h"
#include "bpmp/v1/admin.pb.h"
#include "bpmp/v1/selftest.pb.h"
#include "broker/ctl/resource_view.h"

// What `bpmpctl selftest --switch` finds right or wrong around switching a device. Pure functions.
namespace bpmp::ctl {

// OK where nobody can mind that the device is switched on and off: no VM has it, and its own clocks
// and its power domains, at least one, are off and not held. FailedPrecondition says what is in the
// way.
absl::Status CheckIdle(const v1::Device& device, const Resources& resources);
// The VM `vm` holds each of `resources` and each is on.
v1::SelftestCheck CheckHolders(const Resources& resources, const std::string& vm);
// Nothing of `resources` is on that wasn't `before`, in doubt, or held by the VM; `vm` is how it
// stands after its release.
v1::SelftestCheck CheckReleased(const v1::Vm& vm, const Resources& before, const Resources& after);
// Clocks that the device surely needs nothing of: other devices' own, off, held by nobody, with no
// clock below them. By id.
Resources ForeignClocks(const v1::Device& device, const v1::ListDevicesResponse& devices,
                        const Resources& resources);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_SELFTEST_DEVICE_H_
