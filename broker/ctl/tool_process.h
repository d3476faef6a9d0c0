// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_TOOL_PROCESS_H_
#define BROKER_CTL_TOOL_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace bpmp::ctl {

// A program that runs in a process of its own, for tests: pipes to its standard input and from its
// standard output; standard error is the test's.
class ToolProcess {
 public:
  // Fails the process when it can't be started.
  explicit ToolProcess(std::vector<std::string> arguments);
  // Kills it unless Wait() was called.
  ~ToolProcess();
  ToolProcess(const ToolProcess&) = delete;
  ToolProcess& operator=(const ToolProcess&) = delete;

  void Write(const std::string& text);
  void CloseInput();
  // Without the newline; empty at the end.
  std::string ReadLine();
  // Until it closes its output.
  std::string ReadAll();
  void Signal(int signal);
  // The exit code, or minus the signal that ended it.
  int Wait();

 private:
  pid_t pid_ = -1;
  int in_;   // its standard input
  int out_;  // its standard output
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_TOOL_PROCESS_H_
