// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_UTF8_H_
#define BROKER_BASE_UTF8_H_

#include <cstddef>
#include <string_view>

namespace bpmp {

// The bytes of the UTF-8 character (RFC 3629: none longer than it needs to be, no surrogate,
// nothing above U+10FFFF) with which `text` begins; 0 when it begins with none.
// REQUIRES: !text.empty().
size_t Utf8Length(std::string_view text);

}  // namespace bpmp

#endif  // BROKER_BASE_UTF8_H_
