// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_ENGINE_FIXTURE_H_
#define BROKER_BACKEND_ENGINE_FIXTURE_H_

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "broker/backend/engine.h"
#include "broker/backend/inventory_reader.h"
#include "broker/base/clock.h"
#include "broker/base/mutex.h"
#include "broker/core/core.h"
#include "broker/core/policy.h"
#include "broker/core/profile.h"
#include "gtest/gtest.h"

namespace bpmp::backend {

// For tests: a VM that has `access` to these clocks, by name or number.
inline core::VmSpec VmWithClocks(const std::string& name, const std::vector<std::string>& clocks,
                                 core::Access access) {
  core::VmSpec vm;
  vm.name = name;
  for (const std::string& clock : clocks) {
    core::ResourceGrant grant;
    grant.resource = clock;
    grant.access = access;
    vm.clocks.push_back(grant);
  }
  return vm;
}

// For tests: a core, not started, for what `backend` has, these VMs, and no device profile. Fails
// the process when it can't be made.
inline std::unique_ptr<core::Core> MadeCore(core::Backend* backend, std::vector<core::VmSpec> vms,
                                            core::Observer* observer) {
  auto inventory = ReadInventory(backend, MonotonicClock(), {}, nullptr);
  core::PolicySpec spec;
  spec.vms = std::move(vms);
  auto policy = inventory.ok() ? core::Compile(spec, core::Profile(), *inventory, nullptr)
                               : absl::StatusOr<core::Policy>(inventory.status());
  if (!policy.ok()) {
    std::fprintf(stderr, "no core: %s\n", policy.status().ToString().c_str());
    std::abort();
  }
  return std::make_unique<core::Core>(*std::move(inventory), core::Profile(), *std::move(policy),
                                      observer);
}

// For tests: one answer of an engine, to be waited for.
class Answer {
 public:
  Engine::ReplyFn Take() {
    return [this](const mrq::Response& response, core::Reason reason) {
      MutexLock lock(&mutex_);
      EXPECT_FALSE(there_) << "answered twice";
      there_ = true;
      response_ = response;
      reason_ = reason;
      came_.SignalAll();
    };
  }
  mrq::Response Wait() {
    MutexLock lock(&mutex_);
    while (!there_) came_.Wait(&mutex_);
    return response_;
  }
  core::Reason reason() {
    MutexLock lock(&mutex_);
    return reason_;
  }

 private:
  Mutex mutex_;
  CondVar came_;
  bool there_ ABSL_GUARDED_BY(mutex_) = false;
  mrq::Response response_ ABSL_GUARDED_BY(mutex_);
  core::Reason reason_ ABSL_GUARDED_BY(mutex_) = core::Reason::kNone;
};

}  // namespace bpmp::backend

#endif  // BROKER_BACKEND_ENGINE_FIXTURE_H_
