// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_TRACE_READER_H_
#define BROKER_TRACE_READER_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "broker/trace/record.h"

namespace bpmp::trace {

// Reads a trace from its beginning to its end, in memory that doesn't grow with it. What it is
// given may be anything: each error says where in the file it is wrong, and what stands before that
// has been read. For one thread.
class Reader {
 public:
  // NotFound, PermissionDenied or FailedPrecondition where the file can't be read; InvalidArgument
  // for one that is no trace, or of a version that this reader doesn't know.
  static absl::StatusOr<Reader> Open(const std::string& path);
  // The same from memory, for tests; `bytes` must stay.
  static absl::StatusOr<Reader> OverBytes(std::string_view bytes);

  // The next record after Start; nullopt at the end of the trace, or of what there is of it.
  // InvalidArgument where the file is damaged, and then for ever.
  absl::StatusOr<std::optional<Record>> Next();

  const Start& start() const { return start_; }
  // How the trace ended, as far as was read; none where it was cut off.
  const std::optional<End>& end() const { return end_; }
  // Bytes of an incomplete record after the last: the broker was killed, or is writing just now.
  size_t torn() const { return finished_ && !end_ ? buffer_.size() - used_ : 0; }
  uint64_t dropped() const { return dropped_; }  // transfers that are missing, as far as was read
  uint64_t bytes() const { return base_ + used_; }  // read until now

  // A VM's name, as far as was read; "host", or "vm 3" where it is missing or empty.
  std::string NameOf(VmId vm) const;

 private:
  struct Closer {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  using File = std::unique_ptr<FILE, Closer>;

  Reader(std::string path, File file) : path_(std::move(path)), file_(std::move(file)) {}
  static absl::StatusOr<Reader> Begin(std::string path, File file);
  absl::Status ReadHeader();
  absl::StatusOr<std::optional<Record>> Advance();
  absl::StatusOr<std::optional<Record>> Decode();
  // Reads on; false at the end of the file.
  absl::StatusOr<bool> Fill();
  absl::Status Damaged(std::string_view why) const;

  std::string path_;
  File file_;
  std::vector<uint8_t> buffer_;
  size_t used_ = 0;    // of the buffer
  uint64_t base_ = 0;  // where in the file the buffer begins
  Start start_;
  std::optional<End> end_;
  uint64_t dropped_ = 0;
  bool finished_ = false;
  absl::Status failure_;  // what Next() ended with
  absl::flat_hash_map<VmId, std::string> names_;
};

}  // namespace bpmp::trace

#endif  // BROKER_TRACE_READER_H_
