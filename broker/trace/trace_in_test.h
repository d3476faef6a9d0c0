// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_TRACE_TRACE_IN_TEST_H_
#define BROKER_TRACE_TRACE_IN_TEST_H_

#include <string>
#include <vector>

#include "broker/mrq/codec.h"
#include "broker/mrq/types.h"
#include "broker/trace/codec.h"

namespace bpmp::trace {

inline Start StartInTest() {
  Start start;
  start.wall = absl::FromUnixSeconds(1'800'000'000);
  start.broker = "0.1.0";
  start.backend = "sim";
  return start;
}

// A whole trace of these records.
inline std::string TraceOf(const std::vector<Record>& records) {
  std::string bytes(kMagic);
  Encode(StartInTest(), &bytes);
  for (const Record& record : records) Encode(record, &bytes);
  return bytes;
}

inline mrq::Request ClkInTest(mrq::ClkCmd cmd, uint32_t clock, int64_t rate_hz = 0) {
  mrq::ClkRequest request;
  request.cmd = cmd;
  request.clock = ClockId(clock);
  request.rate_hz = rate_hz;
  return request;
}

// One call, as if it had begun `at` after the start and taken 5 µs.
inline Transfer TransferInTest(uint32_t vm, const mrq::Request& request,
                               const mrq::Response& response = mrq::Ok(),
                               absl::Duration at = absl::Milliseconds(1)) {
  Transfer transfer = MakeTransfer(request);
  transfer.vm = VmId(vm);
  transfer.at = at;
  transfer.took = absl::Microseconds(5);
  transfer.response = response;
  return transfer;
}

}  // namespace bpmp::trace

#endif  // BROKER_TRACE_TRACE_IN_TEST_H_
