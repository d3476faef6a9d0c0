// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_EVENT_VIEW_H_
#define BROKER_CTL_EVENT_VIEW_H_

#include <string>

#include "absl/time/time.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {

// One event on a line that ends in a newline, e.g.
//   12:07:02.123  #42  net-vm   vote       uarta  votes for clock uarta
// with a line before it where events were lost. `zone` is the reader's. Pure.
std::string EventLine(const v1::Event& event, absl::TimeZone zone, const Style& style);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_EVENT_VIEW_H_
