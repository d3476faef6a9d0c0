// SPDX-License-Identifier: Apache-2.0
#include "broker/backend/record/recorder.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "broker/base/thread.h"
#include "broker/trace/codec.h"

namespace bpmp::backend::record {
namespace {

// Room that is kept for what is missing, and for the end.
constexpr uint64_t kReserve = 32;

std::string HeaderOf(const trace::Start& start) {
  std::string bytes(trace::kMagic);
  trace::Encode(start, &bytes);
  return bytes;
}

}  // namespace

Recorder::Recorder(const trace::Start& start, RecorderOptions options)
    : options_(std::move(options)), header_(HeaderOf(start)), accepted_(header_.size()) {}

Recorder::~Recorder() { Stop(); }

void Recorder::Begin(std::unique_ptr<TraceFile> file) {
  file_ = std::move(file);
  thread_ = StartThread("bpmp-record", [this] { Run(); });
}

void Recorder::Add(const trace::Transfer& transfer) {
  std::string bytes;
  trace::Encode(transfer, &bytes);
  {
    MutexLock lock(&mutex_);
    if (!Queue(bytes)) {
      ++gap_;
      ++stats_.missing;
    }
  }
  work_.Signal();
}

void Recorder::Name(VmId vm, const std::string& name) {
  MutexLock lock(&mutex_);
  names_.push_back({vm, name});  // written with the next transfer
}

bool Recorder::Queue(const std::string& transfer) {
  if (full_ || stopping_) return false;
  std::string bytes;
  if (gap_ > 0) trace::Encode(trace::Dropped{gap_}, &bytes);
  for (size_t i = names_queued_; i < names_.size(); ++i) trace::Encode(names_[i], &bytes);
  bytes += transfer;
  if (queue_.bytes.size() + bytes.size() > options_.queue_bytes) {
    overran_ = true;
    return false;
  }
  if (accepted_ + bytes.size() + kReserve > options_.max_bytes) {
    full_ = true;
    return false;
  }
  accepted_ += bytes.size();
  queue_.bytes += bytes;
  queue_.recorded += 1;
  queue_.missing += std::exchange(gap_, 0);
  names_queued_ = names_.size();
  return true;
}

void Recorder::Stop() {
  {
    MutexLock lock(&mutex_);
    stopping_ = true;
  }
  work_.SignalAll();
  if (!thread_.joinable()) return;
  thread_.join();
  file_.reset();
  const Stats stats = this->stats();
  Tell(stats.missing > 0, absl::StrCat("ends with ", stats.recorded, " transfers in ", stats.bytes,
                                       " bytes; ", stats.missing, " are missing"));
}

Recorder::Stats Recorder::stats() const {
  MutexLock lock(&mutex_);
  return stats_;
}

void Recorder::Run() {
  Batch batch;
  bool more = true;
  while (more) {
    more = Take(&batch);
    if (!batch.bytes.empty()) Write(batch);
    SayOnce();
  }
}

bool Recorder::Take(Batch* batch) {
  // Its memory serves the queue again.
  batch->bytes.clear();
  batch->recorded = batch->missing = 0;
  MutexLock lock(&mutex_);
  while (queue_.bytes.empty() && !stopping_ && (!full_ || ended_) && !overran_) {
    work_.Wait(&mutex_);
  }
  std::swap(*batch, queue_);
  if ((full_ || stopping_) && !ended_) {
    if (gap_ > 0 && !full_) trace::Encode(trace::Dropped{std::exchange(gap_, 0)}, &batch->bytes);
    const auto why = full_ ? trace::End::Why::kFull : trace::End::Why::kStopped;
    trace::Encode(trace::End{why}, &batch->bytes);
    ended_ = true;
  }
  return !stopping_;
}

void Recorder::Write(const Batch& batch) {
  std::string before = begun_ ? "" : header_;
  if (lost_ > 0) {
    trace::Encode(trace::Dropped{lost_}, &before);
    MutexLock lock(&mutex_);
    for (const trace::VmName& name : names_) trace::Encode(name, &before);
  }
  const absl::Status status = file_->Append(before.empty() ? batch.bytes : before + batch.bytes);
  if (status.ok()) {
    OnWritten(batch, before.size() + batch.bytes.size());
  } else {
    OnFailed(batch, status);
  }
}

void Recorder::OnWritten(const Batch& batch, uint64_t bytes) {
  begun_ = true;
  lost_ = 0;
  uint64_t missing = 0;
  {
    MutexLock lock(&mutex_);
    stats_.recorded += batch.recorded;
    stats_.bytes += bytes;
    missing = stats_.missing;
  }
  if (std::exchange(failing_, false)) {
    Tell(false, absl::StrCat("is written again; ", missing, " transfers are missing in it"));
  }
}

void Recorder::OnFailed(const Batch& batch, const absl::Status& why) {
  lost_ += batch.recorded + batch.missing;
  {
    MutexLock lock(&mutex_);
    stats_.missing += batch.recorded;
    // There is room for that again.
    accepted_ -= std::min<uint64_t>(accepted_, batch.bytes.size());
    full_ = ended_ = false;
  }
  if (!std::exchange(failing_, true)) {
    Tell(true,
         absl::StrCat(why.message(), "; until that works again, transfers are missing in it"));
  }
}

void Recorder::SayOnce() {
  bool overran = false;
  bool full = false;
  {
    MutexLock lock(&mutex_);
    overran = std::exchange(overran_, false);
    full = full_;
  }
  if (overran && !std::exchange(overrun_said_, true)) {
    Tell(true, "can't be written as fast as transfers come; some are missing in it");
  }
  if (full && !std::exchange(full_said_, true)) {
    Tell(true, absl::StrCat("has reached its limit of ", options_.max_bytes,
                            " bytes; what follows isn't recorded"));
  }
}

void Recorder::Tell(bool bad, const std::string& text) const {
  if (!options_.on_notice) return;
  options_.on_notice({bad, absl::StrCat("trace ", options_.name, ": ", text)});
}

}  // namespace bpmp::backend::record
