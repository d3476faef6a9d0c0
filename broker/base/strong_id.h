// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_STRONG_ID_H_
#define BROKER_BASE_STRONG_ID_H_

#include <compare>
#include <cstdint>
#include <string>
#include <utility>

namespace bpmp {

// An integer id that can't be mistaken for one of another kind: a ClockId never compares with a
// ResetId and converts from an integer only where that is written out. `Tag` is an empty struct
// with `static constexpr const char* kName`, used in messages ("clock 155").
template <typename Tag, typename Rep = uint32_t>
class StrongId {
 public:
  using rep = Rep;
  static constexpr const char* kName = Tag::kName;

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep value) : value_(value) {}

  constexpr Rep value() const { return value_; }
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

  template <typename H>
  friend H AbslHashValue(H h, StrongId id) {
    return H::combine(std::move(h), id.value_);
  }

 private:
  Rep value_ = 0;
};

template <typename Tag, typename Rep>
std::string ToString(StrongId<Tag, Rep> id) {
  return std::string(Tag::kName) + " " + std::to_string(id.value());
}

}  // namespace bpmp

#endif  // BROKER_BASE_STRONG_ID_H_
