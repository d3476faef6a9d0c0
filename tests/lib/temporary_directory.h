// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_TEMPORARY_DIRECTORY_H_
#define TESTS_LIB_TEMPORARY_DIRECTORY_H_

#include <string>

namespace bpmp::testing {

// A directory in /tmp that goes with all that is in it. Fails the process when it can't be made.
class TemporaryDirectory {
 public:
  TemporaryDirectory();
  ~TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace bpmp::testing

#endif  // TESTS_LIB_TEMPORARY_DIRECTORY_H_
