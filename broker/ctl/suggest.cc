// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/suggest.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "broker/base/suggest.h"

namespace bpmp::ctl {

std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string closest = Closest(word, candidates);
  return closest.empty() ? "." : absl::StrCat("; did you mean ", closest, "?");
}

}  // namespace bpmp::ctl
