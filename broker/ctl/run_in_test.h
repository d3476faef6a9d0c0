// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_RUN_IN_TEST_H_
#define BROKER_CTL_RUN_IN_TEST_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <sstream>
#include <string>
#include <vector>

#include "broker/ctl/app.h"

namespace bpmp::ctl {

// What a run of bpmpctl came to.
struct Result {
  int code;
  std::string out;
  std::string err;
};

// Runs bpmpctl in the test's own process, without colours; `input` is all of its standard input,
// and fits into a pipe.
inline Result RunInTest(const std::vector<std::string>& arguments, const std::string& input = "") {
  int pipe[2];
  EXPECT_EQ(::pipe(pipe), 0);
  EXPECT_EQ(::write(pipe[1], input.data(), input.size()), static_cast<ssize_t>(input.size()));
  ::close(pipe[1]);
  std::ostringstream out;
  std::ostringstream err;
  const int code = Run(arguments, {&out, &err, pipe[0]}, {false, true});
  ::close(pipe[0]);
  return {code, out.str(), err.str()};
}

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_RUN_IN_TEST_H_
