// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "broker/ctl/app.h"

int main(int argc, char** argv) {
  const bpmp::ctl::Io io = {&std::cout, &std::cerr, STDIN_FILENO};
  return bpmp::ctl::Run(std::vector<std::string>(argv + 1, argv + argc), io,
                        bpmp::ctl::DetectStyle(STDOUT_FILENO));
}
