// SPDX-License-Identifier: Apache-2.0
#ifndef TESTS_LIB_PLUGGED_BACKEND_H_
#define TESTS_LIB_PLUGGED_BACKEND_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/base/mutex.h"
#include "broker/core/backend.h"
#include "broker/mrq/types.h"

namespace bpmp::testing {

// Another backend, behind a plug that a test can pull: then every request fails and has no effect.
// Thread-safe.
class PluggedBackend final : public core::Backend {
 public:
  // `backend` must outlive this object.
  explicit PluggedBackend(core::Backend* backend) : backend_(backend) {}

  absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request, absl::Time deadline) override
      ABSL_LOCKS_EXCLUDED(mutex_);

  void Unplug() ABSL_LOCKS_EXCLUDED(mutex_);
  void Plug() ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  core::Backend* const backend_;
  Mutex mutex_;
  bool plugged_ ABSL_GUARDED_BY(mutex_) = true;
};

}  // namespace bpmp::testing

#endif  // TESTS_LIB_PLUGGED_BACKEND_H_
