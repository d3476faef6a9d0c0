// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_SUGGEST_H_
#define BROKER_BASE_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace bpmp {

// The candidate that somebody who wrote `word` most likely meant: the fewest letters changed,
// added, dropped or swapped, at most a third of the word's. Empty when none comes that close.
std::string Closest(std::string_view word, const std::vector<std::string>& candidates);

// "; did you mean 'uarta'?", to follow a complaint about `word`; "" when nothing comes close.
std::string DidYouMean(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace bpmp

#endif  // BROKER_BASE_SUGGEST_H_
