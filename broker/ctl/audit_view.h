// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_AUDIT_VIEW_H_
#define BROKER_CTL_AUDIT_VIEW_H_

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>

#include "absl/time/time.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/style.h"

namespace bpmp::ctl {

// Whether events of this kind are about what somebody was refused, or what became of a VM or the
// policy, rather than about the ordinary use of a device.
bool IsDecision(std::string_view kind);

// Who was told what, how often, and why: events that say the same are one line. Not thread-safe.
class AuditView {
 public:
  void Add(const v1::Event& event);
  // A table, the latest last; `zone` is the reader's. Empty where nothing was added.
  std::string Text(absl::TimeZone zone, const Style& style) const;

 private:
  struct Entry {
    uint64_t times = 0;
    uint64_t number = 0;  // of the last one
    absl::Time last;
  };
  using Key = std::tuple<std::string, std::string, std::string>;  // VM, kind, text

  std::map<Key, Entry> entries_;
};

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_AUDIT_VIEW_H_
