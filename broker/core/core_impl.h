// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CORE_CORE_IMPL_H_
#define BROKER_CORE_CORE_IMPL_H_

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "broker/core/core.h"
#include "broker/core/machine.h"
#include "broker/core/releaser.h"
#include "broker/core/requests.h"

namespace bpmp::core {

// What Core is made of: the machine, who answers requests, who releases, and the table of VMs.
class Core::Impl {
 public:
  Impl(Inventory inventory, Profile profile, Policy policy, Observer* observer, Options options);

  void Start();
  Decision Decide(const Call& call);
  void Expire(Ticket ticket);
  uint32_t Release(VmId vm);
  void Maintain();
  // install.cc
  absl::Status Install(Policy policy, Unallowed unallowed);
  // compare.cc
  PolicyDifference Compare(const Policy& next) const;
  absl::Status ClearQuarantine(Resource resource);
  bool Releasing(VmId vm) const { return releaser.Active(vm); }
  // Runs all that became ready, and lets go what waited for a release that ended.
  void Settle();

  // admission.cc
  // The VM is drained, and would take something by the request.
  std::optional<Verdict> RefuseDrained(VmId vm, const mrq::Request& request) const;
  bool Idle(VmId vm) const;
  // Something of the VM's was found on and still is, for nobody.
  bool HasResidue(VmId vm) const;

  bool Known(VmId vm) const { return vm.value() < vm_names.size(); }

  Machine machine;
  Requests requests;
  Releaser releaser;
  std::vector<std::string> vm_names;                   // by slot; [0] is "host"
  absl::flat_hash_map<std::string, VmId> slots;        // also of VMs that are gone
  absl::flat_hash_map<VmId, std::deque<Call>> parked;  // wait for a release
  struct PendingPin {
    Pin pin;
    int tried = 0;
  };
  // Configured, and not known to stand. One that was tried too often is there to be told, and tried
  // again when what it lacked may be there.
  std::vector<PendingPin> pending_pins;
  bool GaveUp(const PendingPin& pending) const {
    return pending.tried > machine.options.max_retries;
  }
  bool Stands(const Pin& pin) const;

 private:
  VmId SlotFor(const std::string& name);
  void AssignPolicies();
  void TakeOverFound();
  void PinTo(const Pin& pin);
  void RetryPins();
  void ForgetPin(const mrq::Request& request);
  // Of the policy that was replaced: what follows from the difference.
  absl::Status CheckGone(const Policy& next) const;
  void RetireDevices(const Policy& before);
  void FollowPins(const Policy& before);
  void FollowRatePolicies(const Policy& before);
};

}  // namespace bpmp::core

#endif  // BROKER_CORE_CORE_IMPL_H_
