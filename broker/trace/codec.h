// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_TRACE_CODEC_H_
#define BROKER_TRACE_CODEC_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "broker/trace/record.h"

// The bytes of a trace: kMagic, then records one after the other. Each is a kind (u8), the length
// of its body (varint) and the body; docs/traces.md has the bodies. Every record has exactly one
// encoding. Pure and total, safe from any thread.
namespace bpmp::trace {

// With the format's version in the last byte.
inline constexpr std::string_view kMagic("BPMPTRC\x01", 8);
// No body is longer.
inline constexpr size_t kMaxBody = 512;

// Appends the record's bytes. Texts over kMaxText are cut; times are whole ns from 0 on.
void Encode(const Record& record, std::string* bytes);

struct Decoded {
  Record record;
  size_t size = 0;  // how many bytes it took
};
// The record that `bytes` begins with; nullopt when they end within it. InvalidArgument, with what
// is wrong, for what can't become a record whatever follows.
absl::StatusOr<std::optional<Decoded>> DecodeFront(absl::Span<const uint8_t> bytes);

}  // namespace bpmp::trace

#endif  // BROKER_TRACE_CODEC_H_
