// SPDX-License-Identifier: Apache-2.0
#include "broker/core/clock_kind.h"

#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_split.h"
#include "broker/mrq/types.h"

namespace bpmp::core {
namespace {

// The protocol has no flag for PLLs; NVIDIA's names do ("pllp_out0", "utmip_pll", "sppll0_vco").
bool IsPll(const std::string& name) {
  const std::vector<absl::string_view> words = absl::StrSplit(name, '_');
  return absl::StrContains(words.front(), "pll") || absl::StrContains(words.back(), "pll");
}

}  // namespace

std::string WhyEverybodys(const ClockInfo& info) {
  if ((info.flags & (mrq::clk_flag::kIsRoot | mrq::clk_flag::kIsVarRoot)) != 0) {
    return "it is an input or a fixed root";
  }
  return IsPll(info.name) ? "it is a PLL" : "";
}

}  // namespace bpmp::core
