// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_TOP_VIEW_H_
#define BROKER_CTL_TOP_VIEW_H_

#include <cstddef>
#include <string>
#include <string_view>

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
// then by name. No more than `lines` lines, the last of them saying how many VMs are left out; of
// the broker's line there is always one. A session that began since then counts from its beginning.
std::string TopText(const Sample& before, const Sample& now, size_t lines, const Style& style);

// `text`, lines that each end, as what draws it over the last picture on a terminal: from the upper
// left corner, without an empty screen in between, and with what is too wide cut by the terminal.
// The cursor stays behind the last line, since one below would scroll the first away.
std::string OverLast(std::string_view text);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_TOP_VIEW_H_
