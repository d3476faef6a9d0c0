// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_RECORD_RECORD_BACKEND_H_
#define BROKER_BACKEND_RECORD_RECORD_BACKEND_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "broker/backend/record/recorder.h"
#include "broker/backend/stoppable_backend.h"
#include "broker/base/clock.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/mrq/types.h"

namespace bpmp::backend::record {

// A backend that does what another does and writes down every call that ended: when it began and
// how long it took, for whom, what was asked, what came back. A call is never held up by that, nor
// does it fail for it. Thread-safe if the other is.
class RecordBackend final : public StoppableBackend {
 public:
  using VmNames = std::function<std::string(VmId)>;

  // Records from now on, in memory until `recorder().Begin()`. `clock` isn't owned.
  RecordBackend(std::unique_ptr<StoppableBackend> recorded, const Clock* clock,
                const trace::Start& start, RecorderOptions options);

  // How VMs are called; asked once for each, before its first record, with no lock held. Without
  // it they have numbers. To be set before the first VM has a request; must work as long as they
  // do.
  void SetVmNames(VmNames names) { names_ = std::move(names); }
  Recorder& recorder() { return recorder_; }

  absl::StatusOr<mrq::Response> Transfer(const mrq::Request& request,
                                         absl::Time deadline) override {
    return TransferFor(kHost, request, deadline);
  }
  absl::StatusOr<mrq::Response> TransferFor(VmId vm, const mrq::Request& request,
                                            absl::Time deadline) override;

  // The other's; what the firmware says unasked isn't recorded.
  void Listen(core::InboundListener* listener) override { recorded_->Listen(listener); }

  // The other's. What ends until this object is destroyed is recorded still.
  void Shutdown() override { recorded_->Shutdown(); }

 private:
  void NameIfNew(VmId vm) ABSL_LOCKS_EXCLUDED(mutex_);

  const std::unique_ptr<StoppableBackend> recorded_;
  const Clock* const clock_;
  const absl::Time start_;
  VmNames names_;
  Recorder recorder_;

  Mutex mutex_;
  absl::flat_hash_set<VmId> named_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bpmp::backend::record

#endif  // BROKER_BACKEND_RECORD_RECORD_BACKEND_H_
