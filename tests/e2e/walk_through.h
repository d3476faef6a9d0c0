// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_E2E_WALK_THROUGH_H_
#define TESTS_E2E_WALK_THROUGH_H_

#include <string>
#include <vector>

namespace bpmp::testing {

// A fenced block of a page that can be run: ```LANGUAGE KIND
struct Block {
  std::string language;
  std::string kind;    // the rest of the fence's line; may be empty
  std::string text;    // its lines
  std::string before;  // what the page says between the block before and this one
  int line = 0;        // of its fence
};
std::vector<Block> BlocksOf(const std::string& page);

// Whether an output shows what a page says: each line of `expected` in a line of `output`, in this
// order. "..." stands for anything. What isn't there, or "".
std::string Missing(const std::string& expected, const std::string& output);

}  // namespace bpmp::testing

#endif  // TESTS_E2E_WALK_THROUGH_H_
