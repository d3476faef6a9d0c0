// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_BACKEND_RECORD_TRACE_FILE_H_
#define BROKER_BACKEND_RECORD_TRACE_FILE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace bpmp::backend::record {

// Where a trace is written to. For one thread.
class TraceFile {
 public:
  virtual ~TraceFile() = default;
  // All of it, or nothing: after an error the file is as it was. May block for as long as the disk
  // takes.
  virtual absl::Status Append(std::string_view bytes) = 0;
};

// A new file, open to the broker's user alone. One that is there already is renamed to `path`.1
// first, in place of an older one of that name. The error says what to do.
absl::StatusOr<std::unique_ptr<TraceFile>> CreateTraceFile(const std::string& path);

}  // namespace bpmp::backend::record

#endif  // BROKER_BACKEND_RECORD_TRACE_FILE_H_
