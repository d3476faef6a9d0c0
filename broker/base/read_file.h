// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BASE_READ_FILE_H_
#define BROKER_BASE_READ_FILE_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace bpmp {

// How long ReadFile() waits for the next bytes of what isn't a regular file.
inline constexpr absl::Duration kReadPatience = absl::Seconds(5);

// The bytes of the file at `path`, at most one more than `max`: that one shows that it is too long,
// whatever its size says (of a pipe or of a file in /proc it says nothing). Never blocks for longer
// than `patience` without a byte: DeadlineExceeded. Else the errno of what failed. Errors name the
// path.
absl::StatusOr<std::string> ReadFile(const std::string& path, size_t max,
                                     absl::Duration patience = kReadPatience);

}  // namespace bpmp

#endif  // BROKER_BASE_READ_FILE_H_
