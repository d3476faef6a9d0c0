// SPDX-License-Identifier: Apache-2.0
#include "tests/lib/plugged_backend.h"

namespace bpmp::testing {

absl::StatusOr<mrq::Response> PluggedBackend::Transfer(const mrq::Request& request,
                                                       absl::Time deadline) {
  {
    MutexLock lock(&mutex_);
    if (!plugged_) return absl::UnavailableError("unplugged");
  }
  return backend_->Transfer(request, deadline);
}

void PluggedBackend::Unplug() {
  MutexLock lock(&mutex_);
  plugged_ = false;
}

void PluggedBackend::Plug() {
  MutexLock lock(&mutex_);
  plugged_ = true;
}

}  // namespace bpmp::testing
