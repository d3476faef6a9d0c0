// SPDX-License-Identifier: Apache-2.0
#include "tests/e2e/walk_through.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"

namespace bpmp::testing {
namespace {

bool IsPartOfWord(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '-'; }

// Where `wanted` stands in `line` by itself, and not within a word or number: 0 is not in -110.
size_t FindWord(absl::string_view line, absl::string_view wanted) {
  for (size_t at = line.find(wanted); at != absl::string_view::npos;
       at = line.find(wanted, at + 1)) {
    const size_t end = at + wanted.size();
    const bool begins =
        at == 0 || wanted.empty() || !IsPartOfWord(line[at - 1]) || !IsPartOfWord(wanted.front());
    const bool ends = end == line.size() || wanted.empty() || !IsPartOfWord(line[end]) ||
                      !IsPartOfWord(wanted.back());
    if (begins && ends) return at;
  }
  return absl::string_view::npos;
}

bool Shows(absl::string_view line, absl::string_view expected) {
  for (const absl::string_view piece : absl::StrSplit(expected, "...")) {
    const absl::string_view wanted = absl::StripAsciiWhitespace(piece);
    const size_t found = FindWord(line, wanted);
    if (found == absl::string_view::npos) return false;
    line.remove_prefix(found + wanted.size());
  }
  return true;
}

}  // namespace

std::vector<Block> BlocksOf(const std::string& page) {
  std::vector<Block> blocks;
  Block block;
  bool inside = false;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(page, '\n')) {
    ++number;
    if (!absl::ConsumePrefix(&line, "```")) {
      absl::StrAppend(inside ? &block.text : &block.before, line, "\n");
      continue;
    }
    inside = !inside;
    if (inside) {
      const std::pair<std::string, std::string> words =
          absl::StrSplit(line, absl::MaxSplits(' ', 1));
      block.language = words.first;
      block.kind = words.second;
      block.line = number;
    } else {
      blocks.push_back(block);
      block = Block();
    }
  }
  return blocks;
}

std::string Missing(const std::string& expected, const std::string& output) {
  const std::vector<std::string> lines = absl::StrSplit(output, '\n');
  size_t at = 0;
  for (const absl::string_view wanted : absl::StrSplit(expected, '\n', absl::SkipWhitespace())) {
    while (at < lines.size() && !Shows(lines[at], wanted)) ++at;
    if (at == lines.size()) return std::string(wanted);
    ++at;
  }
  return "";
}

}  // namespace bpmp::testing
