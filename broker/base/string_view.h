// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_STRING_VIEW_H_
#define BROKER_BASE_STRING_VIEW_H_

#include <string_view>

#include "absl/strings/string_view.h"

namespace bpmp {

// For absl::StrCat and its like. This tree speaks std::string_view, but a distribution may build
// Abseil for C++14, with a string_view of its own to which the standard one doesn't convert.
inline absl::string_view ToAbsl(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace bpmp

#endif  // BROKER_BASE_STRING_VIEW_H_
