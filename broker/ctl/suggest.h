// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_SUGGEST_H_
#define BROKER_CTL_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace bpmp::ctl {

// The candidate that somebody who typed `word` most likely meant: the fewest letters changed, added
// or dropped, at most a third of the word's. Empty when none comes that close.
std::string Closest(std::string_view word, const std::vector<std::string>& candidates);

// "; did you mean uarta?", or the full stop, since another sentence follows.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_SUGGEST_H_
