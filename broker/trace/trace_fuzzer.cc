// SPDX-License-Identifier: Apache-2.0
// Any bytes as a trace: each record that is read has exactly the bytes that it was read from, and
// can be shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "broker/trace/codec.h"
#include "broker/trace/reader.h"

namespace bpmp::trace {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

void FuzzReader(std::string_view bytes) {
  auto reader = Reader::OverBytes(bytes);
  if (!reader.ok()) return;
  std::string again(kMagic);
  Encode(reader->start(), &again);
  while (true) {
    const auto record = reader->Next();
    if (!record.ok() || !*record) {
      // What is behind the last record is damage, or the beginning of another record.
      Require(!record.ok() || again.size() + reader->torn() == bytes.size());
      break;
    }
    Encode(**record, &again);
    if (const auto* transfer = std::get_if<Transfer>(&**record)) {
      Require(!Describe(*transfer).empty() && !reader->NameOf(transfer->vm).empty());
    }
  }
  Require(again == bytes.substr(0, again.size()));
}

}  // namespace
}  // namespace bpmp::trace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  bpmp::trace::FuzzReader(bytes);
  // The same without having to guess what each trace begins with.
  std::string trace(bpmp::trace::kMagic);
  bpmp::trace::Encode(bpmp::trace::Start(), &trace);
  trace += bytes;
  bpmp::trace::FuzzReader(trace);
  return 0;
}
