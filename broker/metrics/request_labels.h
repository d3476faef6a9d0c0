// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_METRICS_REQUEST_LABELS_H_
#define BROKER_METRICS_REQUEST_LABELS_H_

#include <cstddef>
#include <cstdint>
#include <string>

#include "broker/mrq/types.h"

// Requests and results as small dense numbers, so that counting one is an index into an array and
// no string is touched before somebody scrapes. The number of different labels is a constant.
namespace bpmp::metrics {

inline constexpr size_t kRequestKinds = 64;
inline constexpr size_t kResults = 32;

// What was asked: the MRQ and its command.
size_t RequestKindOf(const mrq::Request& request);
// The same for bytes that were no request: a known MRQ with the command "other", or MRQ "other".
size_t RejectedKindOf(uint32_t mrq);

struct RequestLabels {
  std::string mrq;      // "CLK"; "other" for one that no VM may send
  std::string command;  // "ENABLE"; empty for an MRQ without commands
};
// REQUIRES: `kind` is one that the functions above return.
RequestLabels LabelsOf(size_t kind);

// `error` is 0 or a BPMP error, negative or not. One that the ABI doesn't define is "other".
size_t ResultOf(int32_t error);
// "ok", "EACCES", "other". REQUIRES: `result` is one that ResultOf() returns.
std::string ResultLabel(size_t result);

}  // namespace bpmp::metrics

#endif  // BROKER_METRICS_REQUEST_LABELS_H_
