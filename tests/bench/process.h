// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_BENCH_PROCESS_H_
#define TESTS_BENCH_PROCESS_H_

#include <sys/types.h>

#include <string>
#include <vector>

namespace bpmp::bench {

// A server under measurement: started at construction, killed and reaped at destruction, or when
// the thread that started it ends.
class Process {
 public:
  // `arguments[0]` is the program. Its output goes to `log`.
  Process(const std::vector<std::string>& arguments, const std::string& log);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const { return pid_; }
  double CpuSeconds() const;   // user and system, so far
  double ResidentMiB() const;  // now

 private:
  pid_t pid_ = -1;
};

}  // namespace bpmp::bench

#endif  // TESTS_BENCH_PROCESS_H_
