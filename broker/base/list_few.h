// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_LIST_FEW_H_
#define BROKER_BASE_LIST_FEW_H_

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/span.h"

namespace bpmp {

// "a, b and 7 more": the first `few` of a list.
inline std::string ListFew(const std::vector<std::string>& all, size_t few) {
  const size_t shown = std::min(all.size(), few);
  const std::string list = absl::StrJoin(absl::MakeConstSpan(all).first(shown), ", ");
  return all.size() > shown ? absl::StrCat(list, " and ", all.size() - shown, " more") : list;
}

}  // namespace bpmp

#endif  // BROKER_BASE_LIST_FEW_H_
