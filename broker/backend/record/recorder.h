// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_RECORD_RECORDER_H_
#define BROKER_BACKEND_RECORD_RECORDER_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "broker/backend/record/trace_file.h"
#include "broker/base/ids.h"
#include "broker/base/mutex.h"
#include "broker/trace/record.h"

namespace bpmp::backend::record {

// For a log: one line.
struct Notice {
  bool bad = false;  // transfers are missing, or will be
  std::string text;
};

struct RecorderOptions {
  std::string name;                      // the trace's, for notices
  uint64_t max_bytes = 64ull << 20;      // of the file; at least 4096
  size_t queue_bytes = size_t{1} << 20;  // what waits for the disk at most
  // From the recorder's thread, or its owner's in Begin() and Stop(); no lock held.
  std::function<void(const Notice&)> on_notice;
};

// Writes a trace in a thread of its own ("bpmp-record"). Whoever has something to write puts it
// into a queue, without waiting; what the queue or the disk has no room for is left out and
// counted, and the trace says where. Each trouble is said once, when it begins and when it is over.
// Thread-safe.
class Recorder {
 public:
  // From now on there is a queue; nothing is written before Begin().
  Recorder(const trace::Start& start, RecorderOptions options);
  ~Recorder();  // Stop()
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  // Writes to `file` what is queued, and all that follows. Once.
  void Begin(std::unique_ptr<TraceFile> file) ABSL_LOCKS_EXCLUDED(mutex_);

  void Add(const trace::Transfer& transfer) ABSL_LOCKS_EXCLUDED(mutex_);
  // To be called before the VM's first transfer.
  void Name(VmId vm, const std::string& name) ABSL_LOCKS_EXCLUDED(mutex_);

  // Writes what is queued and the end, and waits for that; without a file, forgets it. Idempotent.
  void Stop() ABSL_LOCKS_EXCLUDED(mutex_);

  struct Stats {
    uint64_t recorded = 0;  // transfers that the file has
    uint64_t missing = 0;
    uint64_t bytes = 0;  // of the file
    friend bool operator==(const Stats&, const Stats&) = default;
  };
  Stats stats() const ABSL_LOCKS_EXCLUDED(mutex_);

 private:
  // What is written in one go.
  struct Batch {
    std::string bytes;
    uint64_t recorded = 0;  // transfers in `bytes`
    uint64_t missing = 0;   // transfers of which `bytes` says that they are missing
  };

  // Queues a transfer's bytes, and before them what must be known there, if there is room.
  bool Queue(const std::string& transfer) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void Run() ABSL_LOCKS_EXCLUDED(mutex_);
  // Blocks for something to write and takes it off the queue; false: it was the last.
  bool Take(Batch* batch) ABSL_LOCKS_EXCLUDED(mutex_);
  void Write(const Batch& batch) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnWritten(const Batch& batch, uint64_t bytes) ABSL_LOCKS_EXCLUDED(mutex_);
  void OnFailed(const Batch& batch, const absl::Status& why) ABSL_LOCKS_EXCLUDED(mutex_);
  void SayOnce() ABSL_LOCKS_EXCLUDED(mutex_);
  void Tell(bool bad, const std::string& text) const;

  const RecorderOptions options_;
  const std::string header_;  // what the file begins with

  mutable Mutex mutex_;
  CondVar work_;
  Batch queue_ ABSL_GUARDED_BY(mutex_);
  uint64_t accepted_ ABSL_GUARDED_BY(mutex_);  // bytes queued or written, the header among them
  uint64_t gap_ ABSL_GUARDED_BY(mutex_) = 0;   // transfers left out since the last queued one
  std::vector<trace::VmName> names_ ABSL_GUARDED_BY(mutex_);
  size_t names_queued_ ABSL_GUARDED_BY(mutex_) =
      0;                                        // of `names_`; the rest goes with the next transfer
  bool full_ ABSL_GUARDED_BY(mutex_) = false;   // the file's limit is reached
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;  // the end is written, or being written
  bool overran_ ABSL_GUARDED_BY(mutex_) = false;  // the queue had no room
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  Stats stats_ ABSL_GUARDED_BY(mutex_);

  // The thread's own.
  std::unique_ptr<TraceFile> file_;
  bool begun_ = false;    // the header is written
  uint64_t lost_ = 0;     // transfers of batches that couldn't be written since the last that could
  bool failing_ = false;  // said
  bool overrun_said_ = false;
  bool full_said_ = false;
  std::thread thread_;
};

}  // namespace bpmp::backend::record

#endif  // BROKER_BACKEND_RECORD_RECORDER_H_
