// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_FAKE_NAMES_H_
#define BROKER_CTL_FAKE_NAMES_H_

#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "broker/ctl/names.h"
#include "broker/ctl/words.h"

namespace bpmp::ctl {

// A board with a handful of names.
class FakeNames final : public Names {
 public:
  absl::StatusOr<uint32_t> Id(v1::ResourceKind kind, std::string_view name) override {
    const auto found = ids_.find({kind, std::string(name)});
    if (found == ids_.end()) {
      return absl::NotFoundError("no such " + KindWord(kind));
    }
    return found->second;
  }

  std::string Name(v1::ResourceKind kind, uint32_t id) override {
    for (const auto& [key, value] : ids_) {
      if (key.first == kind && value == id) {
        return key.second;
      }
    }
    return "";
  }

 private:
  const std::map<std::pair<v1::ResourceKind, std::string>, uint32_t> ids_ = {
      {{v1::RESOURCE_KIND_CLOCK, "uarta"}, 155},
      {{v1::RESOURCE_KIND_CLOCK, "pllp_out0"}, 102},
      {{v1::RESOURCE_KIND_RESET, "uarta"}, 100},
      {{v1::RESOURCE_KIND_POWER_DOMAIN, "vic"}, 29},
  };
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_FAKE_NAMES_H_
