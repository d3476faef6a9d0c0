// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_LINE_READER_H_
#define BROKER_CTL_LINE_READER_H_

#include <cstddef>
#include <string>

#include "absl/status/statusor.h"

namespace bpmp::ctl {

// Lines from a descriptor, while another one may say that nobody wants them any more.
class LineReader {
 public:
  enum class Result {
    kLine,     // *line is the next one, without its newline
    kEnd,      // no more lines
    kStopped,  // the other descriptor became readable
  };

  // Neither is owned. A line longer than kMaxLine is cut; what follows is a line of its own.
  LineReader(int fd, int stop_fd) : fd_(fd), stop_fd_(stop_fd) {}

  static constexpr size_t kMaxLine = 4096;

  // Blocks for one of the results. Lines that were read already come before kStopped is looked at.
  Result Next(std::string* line);

 private:
  bool TakeLine(std::string* line);

  const int fd_;
  const int stop_fd_;
  std::string buffer_;
  bool end_ = false;
};

// Blocks until `fd` is readable.
void WaitReadable(int fd);

// Everything up to the end of `fd`. InvalidArgument for more than `max` bytes or a failed read.
absl::StatusOr<std::string> ReadAll(int fd, size_t max);

// A file that somebody named; "-" is standard input, which is `in_fd`. InvalidArgument where it
// can't be read, or has more than kMaxInput bytes, which no configuration has.
inline constexpr size_t kMaxInput = size_t{1} << 20;
absl::StatusOr<std::string> ReadInput(int in_fd, const std::string& path);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_LINE_READER_H_
