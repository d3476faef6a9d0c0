// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_CAPPED_H_
#define BROKER_BASE_CAPPED_H_

#include <cstddef>
#include <utility>
#include <vector>

namespace bpmp {

// The first of what is found, as many as there is room for; the rest is counted. Not thread-safe.
template <typename T>
class Capped {
 public:
  explicit Capped(size_t max) : max_(max) {}

  void Add(T item) {
    if (items_.size() < max_) {
      items_.push_back(std::move(item));
    } else {
      ++more_;
    }
  }

  const std::vector<T>& items() const { return items_; }
  size_t more() const { return more_; }

 private:
  const size_t max_;
  std::vector<T> items_;
  size_t more_ = 0;
};

}  // namespace bpmp

#endif  // BROKER_BASE_CAPPED_H_
