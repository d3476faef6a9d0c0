// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_STYLE_H_
#define BROKER_CTL_STYLE_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace bpmp::ctl {

// What the reader's terminal can show.
struct Style {
  bool color = false;  // ANSI colours
  bool utf8 = false;   // box characters rather than ASCII
};

// For a file descriptor: colours on a terminal that isn't "dumb" unless NO_COLOR is set and not
// empty; UTF-8 as the locale says. Reads the environment and sets the process's LC_CTYPE.
Style DetectStyle(int fd);

// What a piece of text means, rather than which colour it has.
enum class Tone { kPlain, kTitle, kGood, kDim, kWarn, kBad };

// `text` in the colour of `tone`, or as it is without colours.
std::string Paint(std::string_view text, Tone tone, const Style& style);

// `text` with everything that could steer a terminal replaced by '?': control characters, and bytes
// that are not UTF-8. For whatever a VM may have chosen, e.g. its client's name.
std::string Printable(std::string_view text);

// What somebody wrote, for a message about it: printable, in quotes, cut when it is long.
std::string Quoted(std::string_view text);

// Columns that `text` (printable UTF-8) takes, taking one column for each code point.
size_t DisplayWidth(std::string_view text);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_STYLE_H_
