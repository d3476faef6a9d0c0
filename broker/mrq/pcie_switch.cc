// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"

namespace bpmp::mrq {
namespace {

// What each command about a controller switches. Where `on` is absent the request says it, in the
// byte after the controller, and anything but zero is on.
struct Form {
  UphyCmd cmd;
  bool pll;
  std::optional<bool> on;
};
constexpr std::array kForms = {
    Form{UphyCmd::kControllerState, false, std::nullopt},
    Form{UphyCmd::kEpControllerPllInit, true, true},
    Form{UphyCmd::kEpControllerPllOff, true, false},
};

constexpr uint32_t kMaxOnWire = 0xff;

uint8_t SizeOf(const Form& form) { return form.on ? 1 : 2; }

}  // namespace

std::optional<PcieSwitch> PcieSwitchOf(const UphyRequest& request) {
  for (const Form& form : kForms) {
    if (form.cmd != request.cmd || request.payload_size < SizeOf(form)) continue;
    return PcieSwitch{PcieControllerId(request.payload[0]), form.pll,
                      form.on.value_or(request.payload[1] != 0)};
  }
  return std::nullopt;
}

UphyRequest ToUphyRequest(const PcieSwitch& request) {
  UphyRequest uphy;
  for (const Form& form : kForms) {
    if (form.pll != request.pll || form.on.value_or(request.on) != request.on) continue;
    uphy.cmd = form.cmd;
    uphy.payload_size = SizeOf(form);
    uphy.payload[0] = static_cast<uint8_t>(std::min(request.controller.value(), kMaxOnWire));
    if (!form.on) uphy.payload[1] = request.on ? 1 : 0;
  }
  return uphy;
}

}  // namespace bpmp::mrq
