// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_LINUX_BOOT_H_
#define TESTS_LIB_LINUX_BOOT_H_

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "broker/mrq/types.h"

namespace bpmp::testing {

// What a Linux guest's BPMP drivers send from probe to late init, message by message in their
// order, and what they make of the answers: a copy of their behaviour, not of their code. No driver
// uses a clock or domain, so that everything counts as unused in the end.
//
// What would crash such a guest is reported instead of done: a cycle or a hole among the parents,
// more than 16 of them, several without HAS_MUX, a name twice.
class LinuxBoot {
 public:
  using Transfer = std::function<mrq::Response(const mrq::Request&)>;
  struct Options {
    // Linux before 6.2 doesn't know the flags that deny changes, and asks all the same.
    bool honours_denials = true;
  };

  LinuxBoot(Transfer transfer, Options options)
      : transfer_(std::move(transfer)), options_(options) {}

  void Run();

  size_t messages() const { return messages_; }
  size_t clocks() const { return clocks_.size(); }
  size_t domains() const { return domains_.size(); }
  // Requests of late init that would have turned something off.
  size_t turned_off() const { return turned_off_; }
  // Whole sentences; empty: the guest lives.
  const std::vector<std::string>& crashes() const { return crashes_; }

 private:
  struct Clock {
    mrq::ClkInfo info;
    std::string name;
    bool registered = false;
    bool registering = false;
  };

  void ProbeFirmware();
  void ProbeThermal();
  void ReadClocks();
  void RegisterClock(uint32_t id);
  void ReadDomains();
  void DisableUnused();
  mrq::Response Ask(const mrq::Request& request);
  mrq::Response AskClk(mrq::ClkCmd command, uint32_t id);
  mrq::Response AskPg(mrq::PgCmd command, uint32_t id, uint32_t arg = 0);
  void Crash(uint32_t clock, const std::string& why);

  const Transfer transfer_;
  const Options options_;
  size_t messages_ = 0;
  size_t turned_off_ = 0;
  std::map<uint32_t, Clock> clocks_;
  std::set<std::string> names_;
  std::map<uint32_t, bool> domains_;  // by id: whether it seems to be on
  std::vector<std::string> crashes_;
};

}  // namespace bpmp::testing

#endif  // TESTS_LIB_LINUX_BOOT_H_
