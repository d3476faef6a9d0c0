// SPDX-License-Identifier: Apache-2.0
#ifndef BROKER_CTL_CHECK_REPORT_H_
#define BROKER_CTL_CHECK_REPORT_H_

#include "bpmp/v1/selftest.pb.h"
#include "broker/ctl/context.h"

namespace bpmp::ctl {

// How `selftest` and `doctor` end: says whether all checks of `report` passed, and shows it.
// kFailed where one didn't.
ExitCode ShowReport(Context& context, v1::SelftestReport report);

}  // namespace bpmp::ctl

#endif  // BROKER_CTL_CHECK_REPORT_H_
