// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_DRAIN_VIEW_H_
#define BROKER_CTL_DRAIN_VIEW_H_

#include <string>

#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/names.h"

// VMs that leave, as text for a terminal, with what to do next. Pure functions, but for names.
namespace bpmp::ctl {

// A VM that has just been told to take no new session.
std::string DrainText(const v1::Vm& vm);
// What a VM that isn't free is waited for, without its name: "it holds 2 clocks: uarta, pllp_out0".
// Empty for one that is free by now.
std::string WhyNotFree(const v1::Vm& vm);
std::string ReleasedText(const std::string& name, const v1::WaitReleasedResponse& released);

// What a release left in doubt, and how that ends.
using Refs = google::protobuf::RepeatedPtrField<v1::ResourceRef>;
std::string QuarantineText(const Refs& quarantined, Names& names);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_DRAIN_VIEW_H_
