// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_SERVICE_EVENT_TEXT_H_
#define BROKER_SERVICE_EVENT_TEXT_H_

#include <cstdint>
#include <string>

#include "broker/backend/engine.h"
#include "broker/core/core.h"
#include "broker/core/event.h"
#include "broker/mrq/types.h"
#include "broker/service/event_log.h"

namespace bpmp::service {

// The names that one event speaks of. Empty where the event's kind has nothing to say there.
struct EventNames {
  std::string vm;        // "host" for the host
  std::string other;     // likewise
  std::string resource;  // "uarta", without its kind
  std::string target;    // the new parent of a clock
};
// To be called under the engine's lock (Engine::Read); quick.
EventNames NamesOf(const core::Core& core, const core::Event& event);

// One line for people: "net-vm was refused CLK SET_RATE of clock uarta: EACCES, the VM's policy
// doesn't allow it".
std::string EventText(const core::Event& event, const EventNames& names);

// A record of the log as a whole: names and text. Takes the engine's lock for the names.
struct RenderedEvent {
  EventNames names;
  std::string text;
};
RenderedEvent Render(const EventLog::Record& record, const backend::Engine& engine);
// The text as a line that stands alone, without a column for the VM: that of the services' events
// doesn't name it.
std::string LogLine(const EventLog::Record& record, const RenderedEvent& shown);

// "CLK ENABLE"; "DEBUG" for an MRQ without commands, or whose the broker doesn't know.
std::string RequestName(uint32_t mrq, uint32_t command);
// "CLK ENABLE uarta": mrq::Describe with names instead of ids.
std::string DescribeByName(const core::Core& core, const mrq::Request& request);
// "408 MHz", "1.8432 MHz", "32768 Hz".
std::string HzText(int64_t hz);

}  // namespace bpmp::service

#endif  // BROKER_SERVICE_EVENT_TEXT_H_
