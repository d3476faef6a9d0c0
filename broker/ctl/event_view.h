// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_EVENT_VIEW_H_
#define BROKER_CTL_EVENT_VIEW_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/time/time.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {

// One event on a line that ends in a newline, e.g.
//   12:07:02.123  #42  net-vm   vote       uarta  votes for clock uarta
// `zone` is the reader's. Pure.
std::string EventLine(const v1::Event& event, absl::TimeZone zone, const Style& style);

// Why events before one are missing.
enum class Gap {
  kForgotten,  // they were too old before the watcher came
  kTooSlow,    // the watcher was, while they happened
};
// A line for the place where `count` events are missing.
std::string GapLine(uint64_t count, Gap gap, const Style& style);

// The parts of that line. Where the broker sent no sentence, the event's own fields are the text.
absl::Time EventTime(const v1::Event& event);
Tone EventTone(std::string_view kind);
std::string EventText(const v1::Event& event);

// All kinds of events, as docs/operations.md has them.
std::vector<std::string> EventKinds();

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_EVENT_VIEW_H_
