// SPDX-License-Identifier: Apache-2.0
#include "broker/daemon/suggest.h"

#include <algorithm>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace bpmp::daemon {
namespace {

// Longer words are not compared: the cost is the product of the lengths, and nobody types them.
constexpr size_t kMaxWord = 64;

// How many letters must be inserted, removed or replaced to make one word of the other.
size_t Distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i + 1);
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string DidYouMean(std::string_view written, const std::vector<std::string>& candidates) {
  if (written.size() > kMaxWord) return "";
  const std::string* best = nullptr;
  // Two slips (letters swapped are two), more in a long word, but never the whole word.
  size_t best_distance = std::min(std::max<size_t>(2, written.size() / 3) + 1, written.size());
  for (const std::string& candidate : candidates) {
    const size_t distance = Distance(written, candidate);
    if (distance < best_distance) {
      best = &candidate;
      best_distance = distance;
    }
  }
  return best == nullptr ? "" : absl::StrCat("; did you mean '", *best, "'?");
}

}  // namespace bpmp::daemon
