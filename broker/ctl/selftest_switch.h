// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_SELFTEST_SWITCH_H_
#define BROKER_CTL_SELFTEST_SWITCH_H_

#include <string>

#include "absl/status/statusor.h"
#include "bpmp/v1/admin.pb.h"
#include "bpmp/v1/selftest.pb.h"
#include "broker/ctl/acting_vm.h"
#include "broker/ctl/interrupt.h"
#include "broker/ctl/resolver.h"
#include "broker/ctl/resource_view.h"

namespace bpmp::ctl {

// What a selftest switches, and how the board was before.
struct SwitchPlan {
  v1::Device device;
  v1::ListDevicesResponse devices;
  Resources before;
};

// The name of the VM that a selftest is.
inline constexpr char kSelftestVm[] = "selftest";

// Finds the device by any of its names, and makes sure that it is idle and that there is no VM of
// our name. NotFound or FailedPrecondition say what to choose instead. Changes nothing.
absl::StatusOr<SwitchPlan> PlanSwitch(AdminClient& admin, const std::string& device);

// Switches the device on and off as a VM that exists for this alone: a check for each step.
//
// The VM goes, and with it all that it did, on every way out: Ctrl-C and SIGTERM end the test after
// the step that runs. A process that is killed leaves the VM, but its votes end with the
// connection.
class SwitchTest {
 public:
  // `admin` and `report` must outlive the test. Not owned.
  SwitchTest(AdminClient* admin, SwitchPlan plan, v1::SelftestReport* report);
  ~SwitchTest();
  SwitchTest(const SwitchTest&) = delete;
  SwitchTest& operator=(const SwitchTest&) = delete;

  // Adds its checks to the report.
  void Run();

 private:
  // Each adds a check, and returns whether it passed.
  bool Define();
  bool PowerOn();
  bool EnableClocks();
  bool DeassertResets();
  bool Holders();
  bool OtherClocks();
  bool Release();
  bool Remove();

  bool Add(v1::SelftestCheck check);
  bool AddFailure(const std::string& check, const std::string& what, const absl::Status& status);
  // Of the device, how they are now.
  absl::StatusOr<Resources> Now();

  AdminClient* const admin_;
  const SwitchPlan plan_;
  v1::SelftestReport* const report_;
  ActingVm vm_;
  const InterruptGuard guard_;
  bool defined_ = false;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_SELFTEST_SWITCH_H_
