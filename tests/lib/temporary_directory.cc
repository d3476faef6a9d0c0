// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/temporary_directory.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <system_error>

namespace bpmp::testing {

TemporaryDirectory::TemporaryDirectory() : path_("/tmp/bpmp-XXXXXX") {
  if (mkdtemp(path_.data()) != nullptr) return;
  std::perror("can't make a directory in /tmp");
  std::abort();
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace bpmp::testing
