// SPDX-License-Identifier: Apache-2.0
#ifndef QEMU_CLIENT_TESTS_BROKER_PROCESS_H_
#define QEMU_CLIENT_TESTS_BROKER_PROCESS_H_

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

#include "tests/lib/temporary_directory.h"

namespace bpmp::client {

// Runs a program to its end, its standard error with its output; what both wrote goes to `*output`.
// Returns the exit status, or minus the signal that ended it.
int RunProgram(const std::vector<std::string>& arguments, std::string* output);

// The real broker, in a process of its own that can be stopped, hung, killed and started again; the
// simulated board is new each time. Its one VM "a" has the devices uarta and vic, or what is said.
class BrokerProcess {
 public:
  explicit BrokerProcess(const std::string& devices = "uarta, vic");
  ~BrokerProcess();
  BrokerProcess(const BrokerProcess&) = delete;
  BrokerProcess& operator=(const BrokerProcess&) = delete;

  void Start();   // doesn't wait until it listens
  void Stop();    // by SIGTERM, and waits for its end
  void Kill();    // by SIGKILL, likewise
  void Hang();    // by SIGSTOP
  void Resume();  // by SIGCONT

  std::string socket() const { return directory_.path() + "/vms/a.sock"; }
  std::string admin_socket() const { return directory_.path() + "/admin.sock"; }
  // Blocks until it listens for the first time: a VMM waits for a broker, but not for ever.
  void WaitUntilServing() const { WaitUntilLogged("admin API: "); }
  // What it has logged until now, in all its lives.
  std::string Log() const;
  // Blocks until that has `text` in it, or is as wanted.
  void WaitUntilLogged(const std::string& text) const;
  void WaitUntilLog(const std::function<bool(const std::string& log)>& wanted) const;

 private:
  void Signal(int signal);
  void WaitForEnd();

  const testing::TemporaryDirectory directory_;
  pid_t pid_ = -1;
};

}  // namespace bpmp::client

#endif  // QEMU_CLIENT_TESTS_BROKER_PROCESS_H_
