// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_TOP_VIEW_H_
#define BROKER_CTL_TOP_VIEW_H_

#include <cstddef>
#include <string>

#include "absl/time/time.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/style.h"

// How busy the broker and its VMs are, between two moments. Pure functions.
namespace bpmp::ctl {

// The broker at one moment.
struct Sample {
  absl::Time at;
  v1::ServerStatus status;
  v1::ListVmsResponse vms;
};

// A line about the broker, and a table of its VMs: those first that have asked most since `before`,
// then by name. No more than `lines` lines, the last of them saying how many VMs are left out.
// A session that began since then counts from its beginning.
std::string TopText(const Sample& before, const Sample& now, size_t lines, const Style& style);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_TOP_VIEW_H_
