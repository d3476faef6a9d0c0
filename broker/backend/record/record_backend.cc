// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/record/record_backend.h"

#include <utility>

namespace bpmp::backend::record {

RecordBackend::RecordBackend(std::unique_ptr<StoppableBackend> recorded, const Clock* clock,
                             const trace::Start& start, RecorderOptions options)
    : recorded_(std::move(recorded)),
      clock_(clock),
      start_(clock->Now()),
      recorder_(start, std::move(options)) {}

absl::StatusOr<mrq::Response> RecordBackend::TransferFor(VmId vm, const mrq::Request& request,
                                                         absl::Time deadline) {
  const absl::Time begin = clock_->Now();
  absl::StatusOr<mrq::Response> result = recorded_->TransferFor(vm, request, deadline);
  const absl::Time end = clock_->Now();
  trace::Transfer transfer = trace::MakeTransfer(request);
  transfer.vm = vm;
  transfer.at = begin - start_;
  transfer.took = end - begin;
  transfer.status = result.status();
  if (result.ok()) transfer.response = *result;
  NameIfNew(vm);
  recorder_.Add(transfer);
  return result;
}

void RecordBackend::NameIfNew(VmId vm) {
  if (vm == kHost || !names_) return;
  {
    MutexLock lock(&mutex_);
    if (named_.contains(vm)) return;
  }
  const std::string name = names_(vm);
  MutexLock lock(&mutex_);
  if (named_.insert(vm).second) recorder_.Name(vm, name);
}

}  // namespace bpmp::backend::record
