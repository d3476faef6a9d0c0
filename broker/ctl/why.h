// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_WHY_H_
#define BROKER_CTL_WHY_H_

#include <string>

#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/resource_view.h"

// The answers of `why-on` and `why-denied` in sentences. Pure functions.
namespace bpmp::ctl {

// Why `resource` is on, or that nothing keeps it on: votes, pins, what was found on, and for a
// clock those below it. `clocks` are all clocks; not read for other kinds.
std::string WhyOn(const v1::ResourceState& resource, const Resources& clocks);

// What `vm` would be answered, and why. `request` is as the user wrote it.
std::string WhyDenied(const std::string& vm, const std::string& request,
                      const v1::ExplainResponse& explanation);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_WHY_H_
