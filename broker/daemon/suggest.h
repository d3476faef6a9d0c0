// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_DAEMON_SUGGEST_H_
#define BROKER_DAEMON_SUGGEST_H_

#include <string>
#include <string_view>
#include <vector>

namespace bpmp::daemon {

// "; did you mean 'devices'?" for the candidate that is nearest to `written`, or "" when none is
// near enough to be a slip of the finger.
std::string DidYouMean(std::string_view written, const std::vector<std::string>& candidates);

}  // namespace bpmp::daemon

#endif  // BROKER_DAEMON_SUGGEST_H_
