// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_APP_H_
#define BROKER_CTL_APP_H_

#include <string>
#include <vector>

#include "broker/ctl/context.h"

namespace bpmp::ctl {

// bpmpctl, as a function of its arguments (without the program's name), so that tests run it in
// their own process. Returns the exit code (exit_code.h). Takes over SIGINT and SIGTERM only while
// `watch` and `session` run.
int Run(const std::vector<std::string>& arguments, const Io& io, const Style& style);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_APP_H_
