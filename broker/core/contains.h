// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_CONTAINS_H_
#define BROKER_CORE_CONTAINS_H_

#include <algorithm>
#include <vector>

namespace bpmp::core {

template <typename T>
bool Contains(const std::vector<T>& list, const T& value) {
  return std::find(list.begin(), list.end(), value) != list.end();
}

}  // namespace bpmp::core

#endif  // BROKER_CORE_CONTAINS_H_
