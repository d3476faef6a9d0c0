// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_UNITS_H_
#define BROKER_CTL_UNITS_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

// Quantities as people write and read them. Pure functions.
namespace bpmp::ctl {

// "408 MHz", "19.2 MHz", "1.01 MHz", "32.77 kHz", "0 Hz": at most two decimals.
std::string FormatRate(int64_t hz);
// As FormatRate, with the exact number after it where that rounded: "32.77 kHz (32768 Hz)".
std::string FormatExactRate(int64_t hz);

// "48MHz", "1.5GHz", "32.768 kHz", "48000000". The unit is optional and its case doesn't matter.
// InvalidArgument for anything else: negative, not a whole number of Hz, more than 63 bits.
absl::StatusOr<int64_t> ParseRate(std::string_view text);

// An unsigned number, decimal or with 0x. InvalidArgument for anything else or above `max`; the
// message starts with `what` ("a zone").
absl::StatusOr<uint64_t> ParseNumber(std::string_view text, uint64_t max, std::string_view what);

// "5s", "500ms", "1.5s"; a number without a unit counts seconds. Must be positive.
absl::StatusOr<absl::Duration> ParseTimeout(std::string_view text);

// "4 s", "12 min 3 s", "2 h 13 min", "5 d 1 h". Negative durations (clocks differ) are "0 s".
std::string FormatAge(absl::Duration age);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_UNITS_H_
