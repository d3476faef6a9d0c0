// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_SPAWN_H_
#define TESTS_LIB_SPAWN_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace bpmp::testing {

// Starts a program, `arguments[0]`, whose standard output and error go to the descriptor `output`.
// It doesn't outlive the thread that starts it. Its process, or -1.
pid_t Spawn(std::vector<std::string> arguments, int output);

// Blocks until the process has ended, and reaps it. Its exit status, or minus the signal.
int WaitForEnd(pid_t process);

}  // namespace bpmp::testing

#endif  // TESTS_LIB_SPAWN_H_
