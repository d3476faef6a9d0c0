// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_DEVICE_VIEW_H_
#define BROKER_CTL_DEVICE_VIEW_H_

#include <string>
#include <vector>

#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {

// One device a line: its names, who has it, and what it is made of.
std::string DeviceTable(const v1::ListDevicesResponse& devices, const Style& style);

// All names of a device, its own first.
std::vector<std::string> NamesOf(const v1::Device& device);

// The device that has this name; null where the broker has none.
const v1::Device* FindDevice(const v1::ListDevicesResponse& devices, const std::string& name);

// All ways to write the devices.
std::vector<std::string> DeviceNames(const v1::ListDevicesResponse& devices);

// A line for each device of `config` that the board doesn't have: "  no device uartz; did you mean
// uarta?".
std::string UnknownDevices(const v1::VmConfig& config, const v1::ListDevicesResponse& devices);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_DEVICE_VIEW_H_
