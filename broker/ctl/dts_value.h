// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_DTS_VALUE_H_
#define BROKER_CTL_DTS_VALUE_H_

#include <cstdint>
#include <string>
#include <string_view>

namespace bpmp::ctl {

// A property's value as dtc's sources write it, of the same bytes: strings where it is printable
// ones, else cells, else bytes. Empty for an empty value.
std::string DtsValue(std::string_view value);

// A string in quotes, whatever its bytes.
std::string DtsString(std::string_view text);

// The whole cells of `bytes`, "0x0 0x3100000"; no brackets.
std::string DtsCells(std::string_view bytes);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_DTS_VALUE_H_
