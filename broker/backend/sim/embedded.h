// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_SIM_EMBEDDED_H_
#define BROKER_BACKEND_SIM_EMBEDDED_H_

#include <string_view>

// The files of data/, compiled in. Not for use in the initialisation of other globals.
namespace bpmp::backend::sim::embedded {

extern const std::string_view kClocks;
extern const std::string_view kResets;
extern const std::string_view kPowerDomains;
extern const std::string_view kDevices;
extern const std::string_view kTree;
extern const std::string_view kBoot;

}  // namespace bpmp::backend::sim::embedded

#endif  // BROKER_BACKEND_SIM_EMBEDDED_H_
