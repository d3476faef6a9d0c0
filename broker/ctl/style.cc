// SPDX-License-Identifier: Apache-2.0
#include "broker/ctl/style.h"

#include <langinfo.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <string>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "broker/base/string_view.h"
#include "broker/base/utf8.h"

namespace bpmp::ctl {
namespace {

bool IsSet(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr && *value != '\0';
}

std::string_view Code(Tone tone) {
  switch (tone) {
    case Tone::kPlain:
      return "";
    case Tone::kTitle:
      return "1";
    case Tone::kGood:
      return "32";
    case Tone::kDim:
      return "2";
    case Tone::kWarn:
      return "33";
    case Tone::kBad:
      return "1;31";
  }
  return "";
}

bool IsContinuation(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

// Bytes of the character that `text` begins with; 0 when it is none that may be printed.
size_t CharacterSize(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  if (lead < 0x80) return lead >= 0x20 && lead != 0x7f ? 1 : 0;
  // U+0080 to U+009F are control characters too; some terminals obey them.
  const size_t size = Utf8Length(text);
  return lead == 0xc2 && size == 2 && static_cast<unsigned char>(text[1]) < 0xa0 ? 0 : size;
}

}  // namespace

Style DetectStyle(int fd) {
  Style style;
  const char* terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  style.color = ::isatty(fd) != 0 && !dumb && !IsSet("NO_COLOR");
  std::setlocale(LC_CTYPE, "");
  style.utf8 = std::string_view(::nl_langinfo(CODESET)) == "UTF-8";
  return style;
}

std::string Paint(std::string_view text, Tone tone, const Style& style) {
  const std::string_view code = Code(tone);
  if (!style.color || code.empty() || text.empty()) {
    return std::string(text);
  }
  return absl::StrCat("\x1b[", ToAbsl(code), "m", ToAbsl(text), "\x1b[0m");
}

std::string Printable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const size_t size = CharacterSize(text);
    result += size == 0 ? "?" : text.substr(0, size);
    text.remove_prefix(std::max<size_t>(size, 1));
  }
  return result;
}

std::string Quoted(std::string_view text) {
  constexpr size_t kShown = 40;
  const bool cut = text.size() > kShown;
  return absl::StrCat("'", Printable(text.substr(0, kShown)), cut ? "..." : "", "'");
}

size_t DisplayWidth(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

}  // namespace bpmp::ctl
