// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_RECORD_FAKE_TRACE_FILE_H_
#define BROKER_BACKEND_RECORD_FAKE_TRACE_FILE_H_

#include <string>
#include <string_view>

#include "broker/backend/record/trace_file.h"
#include "broker/base/mutex.h"

namespace bpmp::backend::record {

// For tests: the disk under a trace, which fills up, hangs, and recovers. Outlives the files on it.
// Thread-safe.
class FakeDisk {
 public:
  std::unique_ptr<TraceFile> NewFile() { return std::make_unique<File>(this); }

  // From now on writes fail, or no longer.
  void Fill(bool full) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    full_ = full;
  }
  // From now on writes wait, or no longer.
  void Hang(bool hangs) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    hangs_ = hangs;
    changed_.SignalAll();
  }
  // Blocks until so many writes have begun; until so many have ended, well or not.
  void WaitForBegun(size_t writes) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (begun_ < writes) changed_.Wait(&mutex_);
  }
  void WaitForEnded(size_t writes) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    while (ended_ < writes) changed_.Wait(&mutex_);
  }
  std::string bytes() const ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    return bytes_;
  }

 private:
  class File final : public TraceFile {
   public:
    explicit File(FakeDisk* disk) : disk_(disk) {}
    absl::Status Append(std::string_view bytes) override { return disk_->Append(bytes); }

   private:
    FakeDisk* const disk_;
  };

  absl::Status Append(std::string_view bytes) ABSL_LOCKS_EXCLUDED(mutex_) {
    MutexLock lock(&mutex_);
    ++begun_;
    changed_.SignalAll();
    while (hangs_) changed_.Wait(&mutex_);
    ++ended_;
    changed_.SignalAll();
    if (full_) return absl::UnavailableError("can't write: the disk is full");
    bytes_ += bytes;
    return absl::OkStatus();
  }

  mutable Mutex mutex_;
  CondVar changed_;
  bool full_ ABSL_GUARDED_BY(mutex_) = false;
  bool hangs_ ABSL_GUARDED_BY(mutex_) = false;
  size_t begun_ ABSL_GUARDED_BY(mutex_) = 0;
  size_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
  std::string bytes_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace bpmp::backend::record

#endif  // BROKER_BACKEND_RECORD_FAKE_TRACE_FILE_H_
