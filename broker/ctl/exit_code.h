// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_EXIT_CODE_H_
#define BROKER_CTL_EXIT_CODE_H_

#include "absl/status/status.h"

namespace bpmp::ctl {

// What bpmpctl ends with: part of its interface (docs/bpmpctl.md), so numbers never change.
enum class ExitCode : int {
  kOk = 0,
  kRefused = 1,      // the broker or the firmware said no
  kUsage = 2,        // the command line, a request or a file is wrong; nothing was sent
  kUnreachable = 3,  // no broker behind the socket, or no permission to use it
  kNotFound = 4,     // no such VM, clock, reset or power domain
  kNoAnswer = 5,     // the broker did not answer in time
  kFailed = 6,       // anything else
};

// The verbs' errors are statuses, and each code means one end of the program: InvalidArgument is
// what the user wrote, FailedPrecondition is what the broker refused.
ExitCode ExitCodeOf(const absl::Status& status);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_EXIT_CODE_H_
