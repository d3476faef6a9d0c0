// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_SUGGEST_H_
#define BROKER_CTL_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace bpmp::ctl {

// "; did you mean uarta?", or the full stop, since another sentence follows.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_SUGGEST_H_
