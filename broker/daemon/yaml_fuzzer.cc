// SPDX-License-Identifier: Apache-2.0
// Any bytes as a configuration and as a profile: an answer each time, never an exception, and what
// was accepted can be checked.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "bpmp/v1/config.pb.h"
#include "broker/daemon/config.h"
#include "broker/daemon/config_check.h"
#include "broker/daemon/profile_loader.h"
#include "broker/daemon/yaml_proto.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  bpmp::v1::Config config;
  bpmp::daemon::SourceMap sources;
  if (bpmp::daemon::LoadYaml(text, "fuzz.yaml", &config, &sources).ok() &&
      bpmp::daemon::ApplyDefaults({0, ""}, "/", &config).ok()) {
    bpmp::daemon::CheckConfig(config, sources);
  }
  if (const auto profile = bpmp::daemon::ParseProfile(text, "fuzz.yaml"); profile.ok()) {
    bpmp::daemon::MergeProfiles({*profile, *profile});
  }
  return 0;
}
