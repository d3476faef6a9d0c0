// SPDX-License-Identifier: Apache-2.0
// Any bytes as the JSON of a VM's entry, which `bpmpctl vm add FILE` reads: it is one, or is
// refused in words; and what was read is written so that it reads back the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "absl/strings/string_view.h"
#include "bpmp/v1/config.pb.h"
#include "broker/ctl/json.h"
#include "broker/ctl/vm_flags.h"
#include "google/protobuf/util/message_differencer.h"

namespace bpmp::ctl {
namespace {

void Require(bool condition) {
  if (!condition) std::abort();
}

// Words that a terminal shows as they are.
bool IsPlain(absl::string_view words) {
  for (const char c : words) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n') return false;
  }
  return !words.empty();
}

void Fuzz(std::string_view bytes) {
  const auto config = MakeVmConfig(VmFlags(), bytes);
  if (!config.ok()) return Require(IsPlain(config.status().message()));
  const auto json = TryToJson(*config, JsonLayout::kIndented);
  Require(json.ok());
  const auto back = MakeVmConfig(VmFlags(), *json);
  Require(back.ok());
  Require(google::protobuf::util::MessageDifferencer::Equals(*config, *back));
}

}  // namespace
}  // namespace bpmp::ctl

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpmp::ctl::Fuzz({reinterpret_cast<const char*>(data), size});
  return 0;
}
