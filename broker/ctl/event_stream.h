// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_EVENT_STREAM_H_
#define BROKER_CTL_EVENT_STREAM_H_

#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "bpmp/v1/admin.pb.h"
#include "broker/ctl/resolver.h"

namespace bpmp::ctl {

// Gives `take` one event after the other, until it returns false or Ctrl-C; both are success. The
// stream has no deadline: whether the broker answers at all is to be asked before.
absl::Status ReadEvents(AdminClient& admin, const v1::WatchRequest& request,
                        absl::FunctionRef<bool(const v1::Event& event)> take);

// Of which VMs, and of which kinds; empty: of all.
struct EventFilter {
  std::vector<std::string> vms;
  std::vector<std::string> kinds;

  // As the broker would choose.
  bool Wants(const v1::Event& event) const;
};
// --vm and --kind. `filter` must live as long as `verb`.
void AddFilterOptions(CLI::App* verb, EventFilter* filter);
// Nothing was shown: is it that nothing happened, or that there is no such VM or kind of event?
absl::Status CheckFilter(AdminClient& admin, const EventFilter& filter);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_EVENT_STREAM_H_
