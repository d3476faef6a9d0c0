// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_TRACE_RECORD_H_
#define BROKER_TRACE_RECORD_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "broker/base/ids.h"
#include "broker/mrq/types.h"

// What stands in a trace: everything that one run of a broker asked of its backend, and what it was
// answered (docs/traces.md). codec.h has the bytes, reader.h reads files of them.
namespace bpmp::trace {

// Texts are cut to this many bytes when they are written; longer ones aren't read.
inline constexpr size_t kMaxText = 200;

// The first record, once.
struct Start {
  absl::Time wall;      // the wall clock's; whole ns
  std::string broker;   // its version
  std::string backend;  // what was recorded: "kernel", "sim"
  // The backend counted the host's own use apart (core::Options): the broker asks other things
  // then.
  bool host_counts_apart = false;
  friend bool operator==(const Start&, const Start&) = default;
};

// A VM's name, before its first transfer; again after records were lost. The host has none.
struct VmName {
  VmId vm;
  std::string name;
  friend bool operator==(const VmName&, const VmName&) = default;
};

// One call of the backend, in the order in which they ended.
struct Transfer {
  VmId vm;              // on whose behalf
  absl::Duration at;    // since Start, when it began; whole ns, not negative
  absl::Duration took;  // likewise
  uint32_t mrq = 0;
  std::string tx;          // the request's payload, at most mrq::kPayloadSize
  absl::Status status;     // the transport's; DeadlineExceeded: the outcome is unknown
  mrq::Response response;  // the firmware's, where `status` is OK; else empty
  friend bool operator==(const Transfer&, const Transfer&) = default;
};

// Here transfers are missing: the disk was full, or too slow.
struct Dropped {
  uint64_t count = 0;
  friend bool operator==(const Dropped&, const Dropped&) = default;
};

// The last record. A trace without one was cut off: the broker was killed, or runs still.
struct End {
  enum class Why : uint8_t {
    kStopped = 1,  // the broker stopped
    kFull = 2,     // the file reached its limit; what came later isn't in it
  };
  Why why = Why::kStopped;
  friend bool operator==(const End&, const End&) = default;
};

using Record = std::variant<Start, VmName, Transfer, Dropped, End>;

// What was asked, as a record has it.
Transfer MakeTransfer(const mrq::Request& request);
// In one line, also where the bytes are nothing that a VM may send: "CLK ENABLE clock 155".
std::string Describe(const Transfer& transfer);
// Its MRQ and command alone: "CLK ENABLE", "DEBUG", "?".
std::string CommandOf(const Transfer& transfer);
// It changes nothing, as far as is known.
bool IsRead(const Transfer& transfer);

}  // namespace bpmp::trace

#endif  // BROKER_TRACE_RECORD_H_
