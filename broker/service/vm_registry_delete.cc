// SPDX-License-Identifier: Apache-2.0
// The end of a VM: of its session and socket first, of its entry once nothing of it is left.
#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "broker/base/status_macros.h"
#include "broker/service/vm_registry.h"

namespace bpmp::service {
namespace {

// A deleted VM is released once more when a request in its name slipped in between.
constexpr int kReleaseAttempts = 3;

}  // namespace

void VmRegistry::Delete(const std::string& name, absl::AnyInvocable<void(absl::Status)> done) {
  std::shared_ptr<VmServer> server;
  absl::Status status;
  {
    MutexLock changing(&changes_);
    MutexLock lock(&mutex_);
    const auto it = vms_.find(name);
    if (it == vms_.end()) {
      status = absl::NotFoundError(absl::StrCat("there is no VM ", name));
    } else if (it->second.server == nullptr) {
      status = absl::FailedPreconditionError(absl::StrCat("VM ", name, " is being deleted"));
    } else {
      server = std::move(it->second.server);
    }
  }
  if (server == nullptr) return done(status);
  EndVm(name, server, std::move(done));
}

void VmRegistry::EndVm(const std::string& name, const std::shared_ptr<VmServer>& server,
                       absl::AnyInvocable<void(absl::Status)> done) {
  const VmId vm = server->endpoint()->vm;
  server->Close();
  deps_.sessions->Close(
      vm, absl::FailedPreconditionError(absl::StrCat("VM ", name, " is deleted from the broker")));
  ReleaseAndWithdraw(name, vm, kReleaseAttempts, std::move(done));
}

void VmRegistry::ReleaseAndWithdraw(std::string name, VmId vm, int attempts,
                                    absl::AnyInvocable<void(absl::Status)> done) {
  auto withdraw = [this, name = std::move(name), vm, attempts, done = std::move(done)]() mutable {
    const absl::Status status = Withdraw(name);
    if (absl::IsFailedPrecondition(status) && attempts > 1) {
      return ReleaseAndWithdraw(std::move(name), vm, attempts - 1, std::move(done));
    }
    done(status);
  };
  deps_.engine->Release(vm, [lifeline = lifeline_, withdraw = std::move(withdraw)]() mutable {
    MutexLock lock(&lifeline->mutex);
    if (lifeline->registry != nullptr) lifeline->registry->reaper_.Run(std::move(withdraw));
  });
}

absl::Status VmRegistry::Withdraw(const std::string& name) {
  MutexLock changing(&changes_);
  v1::Config config = Whole();
  auto* const vms = config.mutable_vms();
  vms->erase(std::remove_if(vms->begin(), vms->end(),
                            [&](const v1::VmConfig& vm) { return vm.name() == name; }),
             vms->end());
  BPMP_ASSIGN_OR_RETURN(core::Policy policy, Compile(config, nullptr));
  BPMP_RETURN_IF_ERROR(deps_.engine->Install(std::move(policy)));
  VmId vm;
  {
    MutexLock lock(&mutex_);
    const auto it = vms_.find(name);
    if (it == vms_.end()) return absl::OkStatus();  // shut down meanwhile
    vm = it->second.vm;
    hiding_.erase(vm);
    rules_.erase(vm);
    vms_.erase(it);
  }
  // Whoever gets the name gets the id with it.
  deps_.sessions->SetDraining(vm, false);
  return absl::OkStatus();
}

}  // namespace bpmp::service
