// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_NAMES_H_
#define BROKER_CTL_NAMES_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "bpmp/v1/types.pb.h"

namespace bpmp::ctl {

// Names of clocks, resets and power domains to ids and back, by whoever knows them: the admin API
// or a VM's own typed services (resolver.h).
class Names {
 public:
  virtual ~Names() = default;
  // NotFound, with the closest name where there is one; or why the broker could not be asked.
  virtual absl::StatusOr<uint32_t> Id(v1::ResourceKind kind, std::string_view name) = 0;
  // Empty when unknown.
  virtual std::string Name(v1::ResourceKind kind, uint32_t id) = 0;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_NAMES_H_
