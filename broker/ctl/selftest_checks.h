// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_SELFTEST_CHECKS_H_
#define BROKER_CTL_SELFTEST_CHECKS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "bpmp/v1/admin.pb.h"
#include "bpmp/v1/selftest.pb.h"
#include "broker/ctl/resource_view.h"
#include "broker/ctl/style.h"

// What `bpmpctl selftest` finds right or wrong in what a broker answered. Pure functions.
namespace bpmp::ctl {

inline constexpr char kSeeLog[] = "the broker's log says more: journalctl -u bpmp-broker";

// A list for people: of many, the first few and how many more.
std::string FirstOf(const std::vector<std::string>& all);

v1::SelftestCheck Passed(const std::string& name, const std::string& detail);
v1::SelftestCheck Failed(const std::string& name, const std::string& detail,
                         const std::string& advice);

// The broker answered with `status`.
v1::SelftestCheck CheckBroker(const v1::ServerStatus& status, absl::Time now);
// What is behind it answers, and says what it is.
v1::SelftestCheck CheckBackend(const v1::ServerStatus& status);
// Each clock has a name, a state, and a parent unless it is a root.
v1::SelftestCheck CheckClocks(const Resources& clocks);
// No parent is missing, and no clock is its own ancestor.
v1::SelftestCheck CheckClockParents(const Resources& clocks);
v1::SelftestCheck CheckDomains(const Resources& domains);
// How long answers took; no verdict. `hardware` are those of the firmware, which `vm` asked; may be
// empty. REQUIRES: `broker` isn't.
v1::SelftestCheck ShowTimes(std::vector<absl::Duration> broker,
                            std::vector<absl::Duration> hardware, const std::string& vm);

// One line for each check, and one for all.
std::string SelftestText(const v1::SelftestReport& report, const Style& style);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_SELFTEST_CHECKS_H_
